package faults

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"golang.org/x/sys/unix"

	"glasskv/trace"
	"glasskv/trace/otlp"
	"glasskv/walkthrough/client"
)

// The disk refuses one kind of call on one kind of file, in the middle of a
// server's life. The server gives up with a line that says why, and keeps its
// promises once the disk is sound.
func TestDiskThatRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what  string
		rule  rule
		words []string
		// later is set where a put is acknowledged before the call is made: the
		// log has it, and the database learns of it afterwards.
		later bool
	}{
		{"fdatasync of the log", failing("fdatasync", ".wal", unix.EIO), []string{"input/output error", "nothing was acknowledged after it"}, false},
		{"write to the log, disk full", failing("write", ".wal", unix.ENOSPC), []string{"no space left", "make room"}, false},
		{"fdatasync of the database", failing("fdatasync", "/db", unix.EIO), []string{"input/output error", "nothing was acknowledged after it"}, true},
		{"write to the database, disk full", failing("pwrite", "/db", unix.ENOSPC), []string{"no space left", "make room"}, true},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "data")
			s := start(t, dir)
			made := make(promises)
			s.fill(made, 50, 100)

			s.disk.set(c.rule)
			if c.later {
				t.Logf("refused at last: %v", s.putUntilRefused(made, 100))
			} else if err := s.put(made, 100); err == nil {
				t.Error("a put was acknowledged that is on no disk")
			}
			s.ended(c.words...)
			if err := s.put(made, 100); err == nil {
				t.Error("a put was acknowledged by a server that is gone")
			}
			if s.disk.refused.Load() == 0 {
				t.Error("no call was refused")
			}
			if !c.later {
				s.told(c.words[0])
			}
			made.keptBy(t, dir)
		})
	}
}

// told finds the put that got no room in the traces that the server left: it
// waited for the log, and the log says why that was in vain.
func (s *server) told(why string) {
	s.t.Helper()
	f, err := otlp.ReadFile(s.traces)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, tl := range f.Timelines {
		save := tl.Stage("wal.save")
		if tl.Code != "Unavailable" || save == nil {
			continue
		}
		if got := save.Attributes[trace.AttrFailure]; !strings.Contains(got, why) {
			s.t.Errorf("wal.save says %q, want %q", got, why)
		}
		if tl.Waited()["wal.save"] == 0 {
			s.t.Error("the put did not wait for the log")
		}
		return
	}
	s.t.Errorf("none of %d timelines is that of a put that waited for the log in vain", len(f.Timelines))
}

// The log's next file cannot be made, for the disk is full: the server goes on
// while the file at hand lasts, and ends when it does not.
func TestNoSpaceForTheNextLogFile(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	s := start(t, dir)
	made := make(promises)
	s.disk.set(failing("fallocate", ".tmp", unix.ENOSPC))
	// The log has 64 MB at hand and as much again made ready before.
	refused := s.putUntilRefused(made, 1<<20)
	if len(made) < 50 {
		t.Errorf("refused after %d MiB: %v", len(made), refused)
	}
	s.ended("no space left", "make room")
	made.keptBy(t, dir)
}

// A write that the kernel cuts short leaves half an entry in the log. It was not
// acknowledged; the next start must see that it ends there, and go on before it.
func TestWriteThatIsCutShort(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	s := startPlain(t, dir)
	made := make(promises)
	s.fill(made, 20, 100)

	limit := uint64(s.logPosition()) + 10_000
	if err := unix.Prlimit(s.PID(), unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: limit, Max: limit}, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.put(made, 100_000); err == nil {
		t.Error("a put was acknowledged of which the log has a tenth")
	}
	s.ended("file too large", "ulimit")
	made.keptBy(t, dir)
}

// logPosition returns where the server writes next in its log.
func (s *server) logPosition() (at int64) {
	s.t.Helper()
	files := fmt.Sprintf("/proc/%d/fd", s.PID())
	open, err := os.ReadDir(files)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, fd := range open {
		if name, _ := os.Readlink(filepath.Join(files, fd.Name())); !strings.HasSuffix(name, ".wal") {
			continue
		}
		info, err := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%s", s.PID(), fd.Name()))
		if err != nil {
			s.t.Fatal(err)
		}
		var pos int64
		if _, err := fmt.Sscanf(string(info), "pos: %d", &pos); err != nil {
			s.t.Fatal(err)
		}
		at = max(at, pos)
	}
	if at == 0 {
		s.t.Fatal("no log file is open")
	}
	return at
}

// A disk that is really full: a small file system that holds the data directory
// and something else that grows.
func TestFullFileSystem(t *testing.T) {
	t.Parallel()
	mount := t.TempDir()
	if err := unix.Mount("none", mount, "tmpfs", 0, "size=160m"); err != nil {
		t.Skipf("only root may mount: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(mount, unix.MNT_DETACH) })
	dir := filepath.Join(mount, "data")
	s := startPlain(t, dir)
	made := make(promises)
	s.fill(made, 50, 100)

	ballast, err := os.Create(filepath.Join(mount, "ballast"))
	if err != nil {
		t.Fatal(err)
	}
	for chunk := make([]byte, 64<<10); err == nil; {
		_, err = ballast.Write(chunk)
	}
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	t.Logf("refused at last: %v", s.putUntilRefused(made, 1<<20))
	s.ended("no space left", "make room")
	if err := errors.Join(ballast.Close(), os.Remove(ballast.Name())); err != nil {
		t.Fatal(err)
	}
	made.keptBy(t, dir)
}

// A slow disk breaks nothing. The timeline of a put says what it waited for.
func TestSlowDiskShowsInTheTimeline(t *testing.T) {
	t.Parallel()
	const delay = 200 * time.Millisecond
	s := start(t, filepath.Join(t.TempDir(), "data"))
	s.fill(make(promises), 5, 100)
	s.disk.set(slow("fdatasync", ".wal", delay))

	c, err := client.Dial(client.Options{Endpoints: []string{s.addr}, TraceURL: s.traceURL})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	seen, err := c.Do(ctx, func(ctx context.Context) error {
		_, err := pb.NewKVClient(c).Put(ctx, &pb.PutRequest{Key: []byte("slow")})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	timeline, err := c.Join(ctx, seen)
	if err != nil {
		t.Fatal(err)
	}
	waited := time.Duration(timeline.Waited()["wal.sync"])
	if waited < delay || waited > time.Duration(timeline.DurationNS) {
		t.Errorf("of %v the put waited %v for the disk, which took %v", time.Duration(timeline.DurationNS), waited, delay)
	}
	t.Logf("of %v the put waited %v for the disk", time.Duration(timeline.DurationNS), waited)
}
