package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
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
