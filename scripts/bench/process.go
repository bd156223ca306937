package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	processes "glasskv/scripts/internal/process"
)

const (
	connections = 4                // how many connections each server gets
	startTime   = 30 * time.Second // how long a server may take until it serves
	stopTime    = 20 * time.Second // how long a server may take to stop
	restTime    = 10 * time.Second // how long a server may take to become idle after a load
)

// process is one running server.
type process struct {
	cmd      *exec.Cmd
	output   *bytes.Buffer // shown in errors
	gone     chan struct{}
	addr     string
	creds    credentials.TransportCredentials
	traceURL string   // GlassKV's endpoint for timelines
	debugURL string   // where pprof is, if the server was started with it
	sink     *process // the receiver of its spans, if it exports them
	conns    []*grpc.ClientConn
}

// spawn starts a program and does not wait for it to be ready.
func spawn(ctx context.Context, env []string, binary string, args ...string) (*process, error) {
	p := &process{cmd: exec.CommandContext(ctx, binary, args...), output: new(bytes.Buffer), gone: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.gone)
		_ = p.cmd.Wait() // stop judges how it ended
	}()
	return p, nil
}

// dial prepares a connection to the server.
func (p *process) dial() (*grpc.ClientConn, error) {
	return grpc.NewClient(p.addr, grpc.WithTransportCredentials(p.creds))
}

// startProcess starts a server and returns when it has answered a request over
// each of its connections, which creds secure.
func startProcess(ctx context.Context, addr string, creds credentials.TransportCredentials, env []string, binary string, args ...string) (*process, error) {
	p, err := spawn(ctx, env, binary, args...)
	if err != nil {
		return nil, err
	}
	p.addr, p.creds = addr, creds
	for range connections {
		conn, err := p.dial()
		if err != nil {
			return nil, errors.Join(err, p.stop())
		}
		p.conns = append(p.conns, conn)
	}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for _, conn := range p.conns {
		if _, err := pb.NewKVClient(conn).Range(ctx, &pb.RangeRequest{Key: []byte("ready?")}, grpc.WaitForReady(true)); err != nil {
			err = errors.Join(err, p.stop())
			return nil, fmt.Errorf("%s does not serve: %w\n%s", binary, err, p.output)
		}
	}
	return p, nil
}

// stop asks the server to end and waits until it has. If it does not within stopTime
// it is killed, which is an error, as is a server that had ended by itself.
func (p *process) stop() error {
	for _, conn := range p.conns {
		_ = conn.Close() // a connection to a server that goes
	}
	err := p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.gone:
	case <-time.After(stopTime):
		err = errors.Join(fmt.Errorf("%s did not stop within %v", p.cmd.Path, stopTime), p.cmd.Process.Kill())
		<-p.gone
	}
	if p.sink != nil {
		err = errors.Join(err, p.sink.stop())
	}
	if errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("%s ended by itself:\n%s", p.cmd.Path, p.output)
	}
	return err
}

// awaitIdle waits until no server uses the processor any more, for restTime at most:
// what one still writes, exports or collects would slow down the next.
func awaitIdle(ctx context.Context, servers ...*process) error {
	ctx, cancel := context.WithTimeout(ctx, restTime)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for before := ticks(servers); ; {
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return nil // a server that is never idle is measured as it is
			}
			return ctx.Err()
		case <-tick.C:
		}
		now := ticks(servers)
		if now-before <= 1 {
			return nil
		}
		before = now
	}
}

// ticks returns the processor time of the servers and their receivers, in hundredths
// of a second.
func ticks(servers []*process) (sum int64) {
	for _, p := range servers {
		for ; p != nil; p = p.sink {
			stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
			if err != nil {
				continue // not Linux, or gone: nothing to wait for
			}
			// The name, in parentheses, may hold anything; user and system time
			// are the 12th and 13th field after it.
			fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
			for _, field := range fields[11:13] {
				n, _ := strconv.ParseInt(field, 10, 64) // the kernel writes numbers
				sum += n
			}
		}
	}
	return sum
}

// resident returns how much of the process's memory is in RAM, in bytes, or 0 if that
// is not known.
func (p *process) resident() int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64) // the kernel writes numbers
			return kb << 10
		}
	}
	return 0
}

// freeAddr returns a loopback address on which nobody listens at the moment.
func freeAddr() string {
	addr, err := processes.FreeAddr()
	if err != nil {
		return "127.0.0.1:0" // the server will say what is wrong
	}
	return addr
}
