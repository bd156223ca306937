package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"glasskv/scripts/internal/process"
)

const (
	startTime = 30 * time.Second // how long a start may take; one that takes longer waits for a lost entry
	stopTime  = 30 * time.Second // how long a stop may take
	lifeTime  = time.Minute      // how long the clients may take to get the wanted number of replies
)

// The servers that can take turns on the same data.
const (
	glasskv  = "glasskv"
	realEtcd = "etcd"
)

// sources are the folders from which the servers are built.
var sources = map[string]string{glasskv: ".", realEtcd: "scripts/peers/etcd"}

// member is one data directory, and the addresses under which either server serves it.
type member struct {
	dir, binaries, client, peer string
}

func newMember(ctx context.Context, dir string, servers []string) (*member, error) {
	m := &member{dir: filepath.Join(dir, "data"), binaries: filepath.Join(dir, "bin")}
	for _, name := range servers {
		source, ok := sources[name]
		if !ok {
			return nil, fmt.Errorf("-servers: %q is neither %s nor %s", name, glasskv, realEtcd)
		}
		if err := process.Build(ctx, source, filepath.Join(m.binaries, name)); err != nil {
			return nil, err
		}
	}
	var err error
	if m.client, err = process.FreeAddr(); err != nil {
		return nil, err
	}
	m.peer, err = process.FreeAddr()
	return m, err
}

// start runs a server on the member's data. Snapshots are frequent, so that
// every life has some.
func (m *member) start(server string) (*process.Process, error) {
	client, peer := "http://"+m.client, "http://"+m.peer
	args := []string{
		"--name", "m1", "--data-dir", m.dir, "--snapshot-count", "500",
		"--listen-client-urls", client, "--listen-peer-urls", peer,
	}
	if server == glasskv {
		args = append([]string{"serve"}, append(args, "--listen-trace-url", "",
			"--advertise-client-urls", client, "--initial-advertise-peer-urls", peer,
			"--initial-cluster", "m1="+peer)...)
	}
	// The servers outlive no context: they are ended by Stop or Kill.
	return process.Start(exec.Command(filepath.Join(m.binaries, server), args...)) //nolint:noctx // see above
}

// live starts a server, waits until the clients have had that many replies, and kills
// or stops it. It returns a line about this life.
func (m *member) live(ctx context.Context, l *lives, server string, replies int64, kill bool) (string, error) {
	life, begin := l.begin(), time.Now()
	p, err := m.start(server)
	if err != nil {
		return "", err
	}
	defer p.Kill()
	starting, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	if err := p.AwaitReady(starting); err != nil {
		return "", err
	}
	started := time.Since(begin)
	close(life.ready)
	living, cancel := context.WithTimeout(ctx, lifeTime)
	defer cancel()
	if err := l.awaitReplies(living, replies); err != nil {
		return "", fmt.Errorf("wait for %d replies: %w\n%s", replies, err, p.Tail())
	}
	close(life.ended) // first, so that clients wait for the next life
	how := "stopped"
	if kill {
		how = "killed"
		p.Kill()
	} else {
		stopping, cancel := context.WithTimeout(ctx, stopTime)
		defer cancel()
		if err := p.Stop(stopping); err != nil {
			return "", err
		}
	}
	l.settle()
	return fmt.Sprintf("%s served after %v and was %s after %d replies", server, started.Round(time.Millisecond), how, replies), nil
}

// lives tells the clients whether the server serves. Each start begins a life; the end
// of a life settles the requests that have had no reply.
type lives struct {
	h       *history
	replies atomic.Int64

	mu      sync.Mutex
	current *life
}

// life is one run of the server, from before its start to before the next start.
type life struct {
	ready chan struct{} // closed when it serves
	ended chan struct{} // closed when it is told to end
	next  chan struct{} // closed when there is another life
	// unsettled are the requests without a reply, by their index in the history.
	unsettled []int
}

func newLife() *life {
	return &life{ready: make(chan struct{}), ended: make(chan struct{}), next: make(chan struct{})}
}

// begin must be called before a server is started: from then on a request may reach
// it.
func (l *lives) begin() *life {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.current
	l.current = newLife()
	if before != nil {
		l.current.unsettled = before.unsettled
		close(before.next)
	}
	return l.current
}

// settle must be called when the process of the current life has ended. A request that
// still waits for its reply is settled with the next life.
func (l *lives) settle() {
	l.mu.Lock()
	settled := l.current.unsettled
	l.current.unsettled = nil
	l.mu.Unlock()
	l.h.settle(settled)
}

// addUnsettled notes that the request at an index of the history had no reply, and
// returns the current life, whose server may still apply it.
func (l *lives) addUnsettled(at int) *life {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.current.unsettled = append(l.current.unsettled, at)
	return l.current
}

// latest returns the current life.
func (l *lives) latest() *life {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.current
}

// awaitServing waits until a server serves. It returns false if ctx ends first.
func (l *lives) awaitServing(ctx context.Context) bool {
	for {
		life := l.latest()
		select {
		case <-life.ready:
			return ctx.Err() == nil
		case <-life.next:
		case <-ctx.Done():
			return false
		}
	}
}

// pause waits until it makes sense to try again: for retryTime or, if this life ends
// before, until the next life begins.
func (l *life) pause(ctx context.Context) {
	wait := time.NewTimer(retryTime)
	defer wait.Stop()
	select {
	case <-l.ended:
		select {
		case <-l.next:
		case <-ctx.Done():
		}
	case <-wait.C: // the server is still running
	case <-ctx.Done():
	}
}

// awaitReplies returns when the clients have had n more replies, with ctx's error if
// ctx ends first.
func (l *lives) awaitReplies(ctx context.Context, n int64) error {
	enough := l.replies.Load() + n
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for l.replies.Load() < enough {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
