package faults

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// call is a system call that the server is about to make on a file of its data
// directory.
type call struct {
	name string // as in asked
	file string // path
}

// fault is what becomes of a call: it is refused with an error, or with none
// carried out, either after a delay.
type fault struct {
	refuse unix.Errno
	delay  time.Duration
}

// rule decides about one call.
type rule func(c call) fault

// sound is the disk as it is.
func sound(call) fault { return fault{} }

// failing refuses one kind of call on files whose name ends so.
func failing(name, suffix string, with unix.Errno) rule {
	return func(c call) fault {
		if c.name == name && strings.HasSuffix(c.file, suffix) {
			return fault{refuse: with}
		}
		return fault{}
	}
}

// slow delays one kind of call.
func slow(name, suffix string, by time.Duration) rule {
	return func(c call) fault {
		if c.name == name && strings.HasSuffix(c.file, suffix) {
			return fault{delay: by}
		}
		return fault{}
	}
}

// disk stands between a server and its files.
type disk struct {
	dir     string
	rule    atomic.Pointer[rule]
	refused atomic.Int64 // calls so far
}

func newDisk(dir string) *disk {
	d := &disk{dir: dir}
	d.set(sound)
	return d
}

// set gives the disk another rule, from the next call on.
func (d *disk) set(r rule) { d.rule.Store(&r) }

// decide answers one question of the kernel. Calls on anything but the data
// directory, such as sockets, pass.
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
