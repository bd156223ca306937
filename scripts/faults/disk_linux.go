package faults

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// call is a system call that the server is about to make on a file of its data
// directory.
type call struct {
	name string // as in asked
	file string // path
}

// fault is what happens to a call: after a delay it is refused with an error, or
// carried out if refuse is 0.
type fault struct {
	refuse unix.Errno
	delay  time.Duration
}

// rule decides what happens to a call.
type rule func(c call) fault

// sound is the rule of a disk that works.
func sound(call) fault { return fault{} }

// failing refuses the system call name on files whose path ends in suffix.
func failing(name, suffix string, with unix.Errno) rule {
	return func(c call) fault {
		if c.name == name && strings.HasSuffix(c.file, suffix) {
			return fault{refuse: with}
		}
		return fault{}
	}
}

// slow delays the system call name on files whose path ends in suffix.
func slow(name, suffix string, by time.Duration) rule {
	return func(c call) fault {
		if c.name == name && strings.HasSuffix(c.file, suffix) {
			return fault{delay: by}
		}
		return fault{}
	}
}

// disk decides about a server's calls on its files.
type disk struct {
	dir     string
	rule    atomic.Pointer[rule]
	refused atomic.Int64 // calls that were refused so far
}

func newDisk(dir string) *disk {
	d := &disk{dir: dir}
	d.set(sound)
	return d
}

// set replaces the rule, from the next call on. It may be called concurrently.
func (d *disk) set(r rule) { d.rule.Store(&r) }

// decide answers one question of the kernel, now or after the rule's delay. Calls on
// anything but the data directory, such as sockets, pass.
func (d *disk) decide(q question, answer func(unix.Errno)) {
	file, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", q.tid, q.args[0]))
	if err != nil || !strings.HasPrefix(file, d.dir+"/") {
		answer(0)
		return
	}
	f := (*d.rule.Load())(call{name: asked[q.nr], file: file})
	if f.refuse != 0 {
		d.refused.Add(1)
	}
	if f.delay == 0 {
		answer(f.refuse)
		return
	}
	time.AfterFunc(f.delay, func() { answer(f.refuse) })
}

// question is what the kernel asks before a system call: struct seccomp_notif.
type question struct {
	id    uint64
	tid   uint32
	flags uint32
	nr    int32
	arch  uint32
	ip    uint64
	args  [6]uint64
}

// reply is the answer to it: struct seccomp_notif_resp.
type reply struct {
	id    uint64
	value int64
	errno int32
	flags uint32
}

// asked are the system calls that the kernel asks about.
var asked = map[int32]string{
	unix.SYS_WRITE:     "write",
	unix.SYS_PWRITE64:  "pwrite",
	unix.SYS_FSYNC:     "fsync",
	unix.SYS_FDATASYNC: "fdatasync",
	unix.SYS_FALLOCATE: "fallocate",
}

// execAsked replaces this process with another program. The kernel asks about each of
// its calls that are listed in asked; execAsked sends the descriptor for the answers over
// the socket. It returns only if it fails.
func execAsked(socket int, program string, args, env []string) error {
	runtime.LockOSThread() // the filter applies to this thread only, and exec keeps the thread that calls it
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("give up new privileges: %w", err)
	}
	filter := filterFor(asked)
	listener, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_NEW_LISTENER|unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
		uintptr(unsafe.Pointer(&unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]})))
	if errno != 0 {
		return fmt.Errorf("install the filter: %w", errno)
	}
	if err := unix.Sendmsg(socket, []byte{0}, unix.UnixRights(int(listener)), nil, 0); err != nil {
		return fmt.Errorf("hand over the listener: %w", err)
	}
	// If the server held the listener too, its calls would not fail when the test
	// that answers them ends.
	_ = unix.Close(int(listener))
	_ = unix.Close(socket)
	return fmt.Errorf("run %s: %w", program, syscall.Exec(program, args, env))
}

// filterFor returns a program for the kernel's packet filter that asks about these
// system calls and lets all others pass: load the number, compare, return.
func filterFor(calls map[int32]string) []unix.SockFilter {
	filter := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}}
	left := len(calls)
	for nr := range calls {
		// If equal, jump over the other comparisons and the first return.
		filter = append(filter, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: uint8(left), K: uint32(nr)})
		left--
	}
	return append(filter,
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_USER_NOTIF})
}

// receiveListener returns the descriptor that execAsked sends.
func receiveListener(from *net.UnixConn) (int, error) {
	var data [1]byte
	control := make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := from.ReadMsgUnix(data[:], control)
	if err != nil {
		return 0, err
	}
	messages, err := unix.ParseSocketControlMessage(control[:n])
	if err != nil || len(messages) != 1 {
		return 0, errors.Join(errors.New("no descriptor came"), err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return 0, err
	}
	return fds[0], nil
}

// answerAll calls decide for each question until the process has ended. decide must
// call answer once, now or later.
func answerAll(listener int, decide func(q question, answer func(unix.Errno))) error {
	poll := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}}
	for {
		_, err := unix.Poll(poll, -1)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return os.NewSyscallError("poll", err)
		case poll[0].Revents&unix.POLLIN == 0:
			return nil // the process has ended
		}
		var q question
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(listener), unix.SECCOMP_IOCTL_NOTIF_RECV, uintptr(unsafe.Pointer(&q)))
		switch errno {
		case 0:
		case unix.EINTR, unix.ENOENT: // the thread that made the call has ended
			continue
		default:
			return os.NewSyscallError("receive", errno)
		}
		decide(q, func(refuse unix.Errno) {
			r := reply{id: q.id, errno: -int32(refuse)}
			if refuse == 0 {
				r.flags = unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE
			}
			// An error means that the thread has ended, which is fine.
			_, _, _ = unix.Syscall(unix.SYS_IOCTL, uintptr(listener), unix.SECCOMP_IOCTL_NOTIF_SEND, uintptr(unsafe.Pointer(&r)))
		})
	}
}
