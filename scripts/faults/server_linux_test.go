package faults

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"glasskv/scripts/internal/process"
)

// patience bounds every step that waits for a server.
const patience = 30 * time.Second

// programEnv makes this test binary the first half of a server: it asks the
// kernel to ask, and then becomes the program.
const programEnv = "GLASSKV_FAULTS_PROGRAM"

// program is the server, built once.
var program string

func TestMain(m *testing.M) {
	if path := os.Getenv(programEnv); path != "" {
		_ = os.Unsetenv(programEnv)
		fmt.Fprintln(os.Stderr, execAsked(3, path, append([]string{path}, os.Args[1:]...), os.Environ()))
		os.Exit(1)
	}
	dir, err := os.MkdirTemp("", "faults-")
	code := 1
	if err == nil {
		program = filepath.Join(dir, "glasskv")
		err = process.Build(context.Background(), ".", program)
	}
	if err == nil {
		code = m.Run()
	} else {
		fmt.Fprintln(os.Stderr, err)
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// server is one life of a server, and what it has promised.
type server struct {
	*process.Process
	options
	t    *testing.T
	disk *disk // decides about the server's file calls; nil if only the kernel does
	kv   pb.KVClient
}

// options are the flags of one life, and what a client must know of them.
type options struct {
	flags    []string
	addr     string
	traceURL string
	traces   string // the file that takes the timelines of all requests
}

// newOptions lets a server use dir; its addresses are new.
func newOptions(t *testing.T, dir string) options {
	t.Helper()
	traces := filepath.Join(t.TempDir(), "traces.jsonl") // on another disk, as it were
	var addrs [3]string
	for i := range addrs {
		addr, err := process.FreeAddr()
		if err != nil {
			t.Fatal(err)
		}
		addrs[i] = addr
	}
	url := func(i int) string { return "http://" + addrs[i] }
	return options{flags: []string{
		"serve", "--data-dir", dir, "--listen-trace-url", url(2), "--exporter", "file", "--trace-file", traces,
		"--listen-client-urls", url(0), "--advertise-client-urls", url(0),
		"--listen-peer-urls", url(1), // the one that it advertises stays the default: it is part of the data
	}, addr: addrs[0], traceURL: url(2), traces: traces}
}

// start runs a server whose disk can be broken, and returns when it serves.
func start(t *testing.T, dir string) *server {
	t.Helper()
	o := newOptions(t, dir)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "ours"), os.NewFile(uintptr(pair[1]), "theirs")
	defer ours.Close()
	cmd := exec.Command(self, o.flags...)
	cmd.Env = append(os.Environ(), programEnv+"="+program)
	cmd.ExtraFiles = []*os.File{theirs}
	d := newDisk(dir)
	p, err := process.Start(cmd)
	_ = theirs.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	answer(t, p, ours, d)
	return serving(t, p, o, d)
}

// answer lets a disk decide about the system calls of a process. Where the
// kernel does not ask, there is no story to tell.
func answer(t *testing.T, p *process.Process, socket *os.File, d *disk) {
	t.Helper()
	conn, err := net.FileConn(socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	from, ok := conn.(*net.UnixConn)
	if !ok {
		t.Fatalf("a socket of type %T", conn)
	}
	listener, err := receiveListener(from)
	if err != nil {
		<-p.Gone()
		t.Skipf("this kernel does not let a test decide about system calls: %v: %s", err, p.Output())
	}
	answered := make(chan error, 1)
	go func() { answered <- answerAll(listener, d.decide) }()
	t.Cleanup(func() {
		p.Kill()
		if err := <-answered; err != nil {
			t.Error(err)
		}
		_ = unix.Close(listener)
	})
}

// startPlain runs a server with nothing between it and the disk.
func startPlain(t *testing.T, dir string) *server {
	t.Helper()
	o := newOptions(t, dir)
	p, err := process.Start(exec.Command(program, o.flags...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return serving(t, p, o, nil)
}

func serving(t *testing.T, p *process.Process, o options, d *disk) *server {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := p.AwaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	conn, err := grpc.NewClient(o.addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &server{Process: p, options: o, t: t, disk: d, kv: pb.NewKVClient(conn)}
}

// promises are the puts that were acknowledged: the value of each key.
type promises map[string][]byte

// put writes one key that nobody has written before. When that was acknowledged
// it is a promise.
func (s *server) put(made promises, size int) error {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	key := fmt.Sprintf("promise/%04d", len(made))
	value := bytes.Repeat([]byte(key[len(key)-1:]), size)
	if _, err := s.kv.Put(ctx, &pb.PutRequest{Key: []byte(key), Value: value}); err != nil {
		return err
	}
	made[key] = value
	return nil
}

// fill makes promises on a sound disk.
func (s *server) fill(made promises, puts, size int) {
	s.t.Helper()
	for range puts {
		if err := s.put(made, size); err != nil {
			s.t.Fatalf("put on a sound disk: %v\n%s", err, s.Tail())
		}
	}
}

// putUntilRefused goes on until a put is refused, as it must be before long.
func (s *server) putUntilRefused(made promises, size int) error {
	s.t.Helper()
	for range 1000 {
		if err := s.put(made, size); err != nil {
			return err
		}
	}
	s.t.Fatalf("a thousand puts were acknowledged on a disk that takes none\n%s", s.Tail())
	return nil
}

// ended waits until the server has given up, and checks how: a code that says
// so, one line for people with these words in it, and no stack trace.
func (s *server) ended(words ...string) {
	s.t.Helper()
	select {
	case <-s.Gone():
	case <-time.After(patience):
		s.t.Fatalf("the server goes on\n%s", s.Tail())
	}
	said := strings.TrimSpace(s.Output())
	last := said[strings.LastIndexByte(said, '\n')+1:]
	if code := s.ExitCode(); code != 1 {
		s.t.Errorf("it ended with code %d", code)
	}
	for _, word := range words {
		if !strings.Contains(last, word) {
			s.t.Errorf("its last line does not mention %q: %s", word, last)
		}
	}
	if strings.Contains(said, "goroutine ") {
		s.t.Errorf("it ended with a stack trace:\n%s", s.Tail())
	}
	s.t.Logf("last line: %s", last)
}

// keptBy opens what the server has left, on a sound disk, and finds every
// promise there.
func (made promises) keptBy(t *testing.T, dir string) {
	t.Helper()
	s := startPlain(t, dir)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for key, value := range made {
		got, err := s.kv.Range(ctx, &pb.RangeRequest{Key: []byte(key)})
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Kvs) != 1 || !bytes.Equal(got.Kvs[0].Value, value) {
			t.Errorf("%s was acknowledged and is lost", key)
		}
	}
	s.fill(make(promises), 1, 10)
	if err := s.Stop(ctx); err != nil {
		t.Error(err)
	}
	t.Logf("%d acknowledged puts are there", len(made))
}
