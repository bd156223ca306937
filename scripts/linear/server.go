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
	startTime = 30 * time.Second // a start that takes longer has lost something
	stopTime  = 30 * time.Second
	lifeTime  = time.Minute // until the wanted number of replies must be there
)

// The servers that can take turns on the same data.
const (
	glasskv  = "glasskv"
	realEtcd = "etcd"
)

// sources are the folders that they are built from.
var sources = map[string]string{glasskv: ".", realEtcd: "scripts/peers/etcd"}

// member is one data directory and the addresses under which it is served,
// whichever server that is.
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

// live starts a server, lets the clients have that many replies and ends it. It
// returns a line about that.
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
		return "", fmt.Errorf("wait for %d replies: %w\n%s", replies, err, p.LastWords())
	}
	close(life.ended) // before it is, so that no client asks twice
	how := "stopped"
	if kill {
		how = "killed"
		p.Kill()
	} else if err := stop(ctx, p); err != nil {
		return "", err
	}
	l.settle()
	return fmt.Sprintf("%s served after %v and was %s after %d replies", server, started.Round(time.Millisecond), how, replies), nil
}

func stop(ctx context.Context, p *process.Process) error {
	ctx, cancel := context.WithTimeout(ctx, stopTime)
	defer cancel()
	return p.Stop(ctx)
}

// lives tells the clients how the server is: each start begins a life, and
// with its end everything is settled that a client had no reply to.
type lives struct {
	h       *history
	replies atomic.Int64

	mu      sync.Mutex
	current *life
}

// life is one run of the server, from before it is started until the next one
// is.
type life struct {
	ready chan struct{} // closed when it serves
	ended chan struct{} // closed when it is told to end
	next  chan struct{} // closed when there is another life
	// unsettled are the requests without reply, by their place in the history.
	unsettled []int
}

func newLife() *life {
	return &life{ready: make(chan struct{}), ended: make(chan struct{}), next: make(chan struct{})}
}

// begin is called before a server is started: from now on a request may reach it.
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

// settle is called when the process of the current life is gone. What has no
// reply yet will be settled with the next one.
func (l *lives) settle() {
	l.mu.Lock()
	settled := l.current.unsettled
	l.current.unsettled = nil
	l.mu.Unlock()
	l.h.settle(settled)
}

// unsettled notes that a request had no reply. A server that lives now may yet
// carry it out.
func (l *lives) unsettled(at int) *life {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.current.unsettled = append(l.current.unsettled, at)
	return l.current
}

// now returns the life that lasts at the moment.
func (l *lives) now() *life {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.current
}

// serving waits until there is a server that serves, and reports whether there
// was one before ctx ended.
func (l *lives) serving(ctx context.Context) bool {
	for {
		life := l.now()
		select {
		case <-life.ready:
			return ctx.Err() == nil
		case <-life.next:
		case <-ctx.Done():
			return false
		}
	}
}

func (l *lives) answered() { l.replies.Add(1) }

// pause returns when it makes sense to try again: in the next life, or after a
// while when this one goes on.
func (l *life) pause(ctx context.Context) {
	wait := time.NewTimer(patience)
	defer wait.Stop()
	select {
	case <-l.ended:
		select {
		case <-l.next:
		case <-ctx.Done():
		}
	case <-wait.C: // it lives and refused this one
	case <-ctx.Done():
	}
}

// awaitReplies returns when the clients have had n more replies, or the life has
// lasted as long as ctx allows.
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
