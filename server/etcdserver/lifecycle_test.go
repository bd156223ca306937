package etcdserver

import (
	stderrors "errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/etcdserver/errors"
	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/zap"
)

// Clients write as fast as they can while the server is stopped. Each write is
// either acknowledged, and then there after a restart, or refused with
// ErrStopped.
func TestStopUnderLoadLosesNothing(t *testing.T) {
	for _, stop := range []struct {
		name string
		how  func(s *EtcdServer)
	}{
		{"graceful", (*EtcdServer).Stop},
		{"hard", (*EtcdServer).HardStop},
	} {
		t.Run(stop.name, func(t *testing.T) {
			cfg := testConfig(t, t.TempDir())
			s := startServer(t, cfg, Seams{})
			enough := make(chan struct{})
			var acked sync.Map
			var count atomic.Int64
			var clients sync.WaitGroup
			for c := range 16 {
				clients.Go(func() {
					for i := 0; ; i++ {
						key := fmt.Sprint(c, "/", i)
						_, err := s.Put(testContext(t), &pb.PutRequest{Key: []byte(key), Value: []byte(key)})
						if stderrors.Is(err, errors.ErrStopped) {
							return
						}
						if err != nil {
							t.Errorf("put %s: %v", key, err)
							return
						}
						acked.Store(key, true)
						if count.Add(1) == 200 {
							close(enough)
						}
					}
				})
			}
			<-enough
			stop.how(s)
			clients.Wait()

			s = startServer(t, cfg, Seams{})
			acked.Range(func(key, _ any) bool {
				wantGet(t, s, key.(string), key.(string))
				return true
			})
		})
	}
}

// After a stop nothing of the server is left, and everything is refused.
func TestStopLeavesNothingBehind(t *testing.T) {
	s := startServer(t, testConfig(t, t.TempDir()), Seams{})
	put(t, s, "k", "v")
	s.Stop()
	s.Stop()
	s.HardStop()

	// A goroutine may tell that it is over a moment before it is.
	ctx := testContext(t)
	for stacks := runningParts(); stacks != ""; stacks = runningParts() {
		if ctx.Err() != nil {
			t.Fatalf("still running:\n%s", stacks)
		}
		runtime.Gosched()
	}
	_, err := s.Put(testContext(t), &pb.PutRequest{Key: []byte("k")})
	wantErr(t, err, errors.ErrStopped)
	_, err = s.Range(testContext(t), &pb.RangeRequest{Key: []byte("k")})
	wantErr(t, err, errors.ErrStopped)
	_, err = s.Txn(testContext(t), &pb.TxnRequest{Success: []*pb.RequestOp{opGet("k")}})
	wantErr(t, err, errors.ErrStopped)
	if err := s.life.failure.err; err != nil {
		t.Errorf("an ordinary stop reported %v", err)
	}
}

// runningParts returns the stacks of all goroutines that belong to a server, ""
// when there are none.
func runningParts() string {
	buf := make([]byte, 1<<20)
	var running []string
	for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		for _, part := range []string{
			"(*EtcdServer)", "(*raftNode)", "raft.(*node)", "storage/backend", "storage/mvcc",
			"storage/wal", "(*lessor)", "fileutil.purge", "schedule.(*fifo)",
		} {
			if strings.Contains(stack, part) {
				running = append(running, stack)
				break
			}
		}
	}
	return strings.Join(running, "\n\n")
}

// The disk refuses one save. The write in it is not acknowledged, the member
// stops, and says why once.
func TestFailingDiskStopsTheMember(t *testing.T) {
	var full atomic.Bool
	seams := Seams{Storage: func(st Storage) Storage { return &fullDisk{st, &full} }}
	cfg := testConfig(t, t.TempDir())
	s := startServer(t, cfg, seams)
	put(t, s, "before", "v")
	full.Store(true)
	_, err := s.Put(testContext(t), &pb.PutRequest{Key: []byte("lost"), Value: []byte("v")})
	wantErr(t, err, errors.ErrStopped)
	wantErr(t, <-s.Fatal(), syscall.ENOSPC)
	<-s.StopNotify()
	s.Stop()

	s = startServer(t, cfg, Seams{})
	wantGet(t, s, "before", "v")
	wantGet(t, s, "lost", "")
}

// fullDisk is a Storage that has no room left once full is set.
type fullDisk struct {
	Storage
	full *atomic.Bool
}

func (d *fullDisk) Save(st *raftpb.HardState, ents []*raftpb.Entry) error {
	if d.full.Load() {
		return fmt.Errorf("write: %w", syscall.ENOSPC)
	}
	return d.Storage.Save(st, ents)
}

// If etcd's packages cannot go on after an error, they log it as fatal. That ends the
// member and not the process.
func TestFatalLogLineStopsTheMember(t *testing.T) {
	s := startServer(t, testConfig(t, t.TempDir()), Seams{})
	go s.lg.Fatal("failed to commit", zap.Error(syscall.ENOSPC))
	err := <-s.Fatal()
	wantErr(t, err, syscall.ENOSPC)
	if got, want := err.Error(), "commit: no space left on device"; got != want {
		t.Errorf("error reads %q, want %q", got, want)
	}
	<-s.StopNotify()
}
