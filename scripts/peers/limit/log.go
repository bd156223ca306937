package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"
)

// segmentBytes is how far the file is extended ahead of what is written, as
// etcd does with its log, so that fdatasync has no size to write as well.
const segmentBytes = 64 << 20

var errClosed = errors.New("log is closed")

// commitLog groups what is appended at the same time into one write and one
// fdatasync.
type commitLog struct {
	file      *os.File
	written   int64
	allocated int64
	wake      chan struct{}
	stop      chan struct{}
	done      chan struct{}

	mu      sync.Mutex
	pending *group
}

// group is what the next write will take along.
type group struct {
	data   []byte
	synced chan struct{} // closed when data is on the disk, or err is set
	err    error
}

func newGroup() *group { return &group{synced: make(chan struct{})} }

func openLog(dir string) (*commitLog, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	file, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	return &commitLog{
		file:    file,
		wake:    make(chan struct{}, 1),
		stop:    make(chan struct{}),
		done:    make(chan struct{}),
		pending: newGroup(),
	}, nil
}

// append returns when entry is durable.
func (l *commitLog) append(ctx context.Context, entry []byte) error {
	l.mu.Lock()
	g := l.pending
	g.data = append(g.data, entry...)
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default: // run knows that there is something
	}
	select {
	case <-g.synced:
		return g.err
	case <-l.done:
		return errClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run writes group after group until the log is closed or the disk fails.
func (l *commitLog) run() error {
	defer close(l.done)
	for {
		select {
		case <-l.stop:
			return nil
		case <-l.wake:
		}
		l.mu.Lock()
		g := l.pending
		l.pending = newGroup()
		l.mu.Unlock()
		if len(g.data) == 0 {
			continue
		}
		g.err = l.write(g.data)
		close(g.synced)
		if g.err != nil {
			return g.err
		}
	}
}

func (l *commitLog) write(data []byte) error {
	fd := int(l.file.Fd())
	for l.written+int64(len(data)) > l.allocated {
		if err := unix.Fallocate(fd, 0, l.allocated, segmentBytes); err != nil {
			return err
		}
		l.allocated += segmentBytes
	}
	if _, err := l.file.WriteAt(data, l.written); err != nil {
		return err
	}
	l.written += int64(len(data))
	return unix.Fdatasync(fd)
}

func (l *commitLog) close() error {
	close(l.stop)
	<-l.done
	return l.file.Close()
}
