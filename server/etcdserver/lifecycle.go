package etcdserver

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/etcd/pkg/v3/schedule"
	"go.uber.org/zap"
)

// How a member stops:
//
//	Stop      refuses new requests, waits for those under way, calls HardStop
//	HardStop  closes stop    --.
//	fail      closes failed  --+--> run returns and calls shutdown, which
//	                                1. closes stopping: nothing waits any longer
//	                                2. waits for the apply goroutine, goAttach's
//	                                   goroutines, the raft loop, which closes
//	                                   the log, and the requests
//	                                3. closes store and backend
//	                                4. closes done: Stop and HardStop return

func newLifecycle(f *failure) lifecycle {
	ctx, cancel := context.WithCancel(context.Background())
	return lifecycle{
		failure:  f,
		readych:  make(chan struct{}),
		stop:     make(chan struct{}),
		stopping: make(chan struct{}),
		done:     make(chan struct{}),
		ctx:      ctx,
		cancel:   cancel,
	}
}

// Start runs the member. It returns at once; wait for ReadyNotify before sending
// requests. A second call, or one after Stop, does nothing.
func (s *EtcdServer) Start() {
	if s.life.started.Swap(true) {
		return
	}
	s.lg.Info("starting server",
		zap.Stringer("local-member-id", s.memberID),
		zap.Stringer("cluster-id", s.ClusterID()))
	go s.run()
	s.goAttach(s.adjustTicks)
	s.goAttach(s.publish)
	s.goAttach(s.purgeSnapFiles)
	s.goAttach(s.purgeWALFiles)
	s.goAttach(s.monitorVersions)
	s.goAttach(s.linearizableReadLoop)
}

// run connects the raft loop with the apply goroutine: it schedules on the one, in
// order, what the other hands over through applyc. It returns after a stop or a
// failure, when everything has ended.
func (s *EtcdServer) run() {
	sched := schedule.NewFIFOScheduler(s.lg)
	defer s.shutdown(sched)
	go s.r.start()
	for {
		select {
		case ap := <-s.r.applyc:
			sched.Schedule(schedule.NewJob("server_applyAll", func(context.Context) {
				s.applyReady(ap)
			}))
		case leases := <-s.lessor.ExpiredLeasesC():
			s.revokeExpiredLeases(leases)
		case <-s.life.failure.failed:
			return
		case <-s.life.stop:
			return
		}
	}
}

// shutdown ends everything and closes the files last. After a failure that may have
// left a lock held (failure.broken) it does not wait for the rest.
func (s *EtcdServer) shutdown(sched schedule.Scheduler) {
	s.requests.close()
	s.life.wgMu.Lock()
	close(s.life.stopping)
	s.life.wgMu.Unlock()
	s.life.cancel()

	ended := make(chan struct{})
	go func() {
		defer close(ended)
		sched.Stop()
		s.life.wg.Wait()
		s.r.stop()
		<-s.requests.idle
		s.closeStores()
	}()
	select {
	case <-ended:
	case <-s.life.failure.broken:
		// A package of etcd may have failed with a lock held. The log can still be
		// closed; the rest ends with the process.
		s.r.abandon()
	}
	close(s.life.done)
}

func (s *EtcdServer) closeStores() {
	s.lessor.Stop()
	if err := s.kv.Close(); err != nil {
		s.lg.Warn("close store", zap.Error(err))
	}
	if err := s.be.Close(); err != nil {
		s.lg.Warn("close backend", zap.Error(err))
	}
}

// Stop ends the member gracefully. New requests get ErrStopped; those under way may
// finish, within one request timeout; then it does what HardStop does. It may be
// called more than once.
func (s *EtcdServer) Stop() {
	s.requests.close()
	if s.life.started.Load() {
		timeout := time.NewTimer(s.cfg.ReqTimeout())
		defer timeout.Stop()
		select {
		case <-s.requests.idle:
		case <-timeout.C:
		case <-s.life.done:
		}
	}
	s.HardStop()
}

// HardStop ends the member without waiting for requests: those under way get
// ErrStopped, but may be applied after a restart. Acknowledged writes are durable.
// It returns when all goroutines have ended and all files are closed, except after
// an error of etcd's packages (see Fatal) that blocks this. It may be called more than
// once.
func (s *EtcdServer) HardStop() {
	s.life.stopOnce.Do(func() {
		close(s.life.stop)
		if !s.life.started.Swap(true) {
			s.discard()
		}
	})
	<-s.life.done
}

// discard closes a server that was never started.
func (s *EtcdServer) discard() {
	s.requests.close()
	s.life.cancel()
	s.r.onStop()
	s.closeStores()
	close(s.life.done)
}

// ReadyNotify returns a channel that is closed when the member is ready to
// serve client requests: there is a leader, the member has published itself and
// the cluster has a version.
func (s *EtcdServer) ReadyNotify() <-chan struct{} { return s.life.readych }

// StopNotify returns a channel that is closed when the member has ended, after a
// stop or an error.
func (s *EtcdServer) StopNotify() <-chan struct{} { return s.life.done }

// Fatal returns a channel that yields the error that ended the member, such as that
// of a full disk. It yields one error at most, and nothing after an ordinary stop. A
// write that could not be made durable has not been acknowledged.
func (s *EtcdServer) Fatal() <-chan error { return s.life.failure.c }

// fail ends the member because of err. It does not wait for the end. Only the first
// error counts.
func (s *EtcdServer) fail(err error) { s.life.failure.report(err) }

// goAttach runs f on a goroutine that shutdown waits for. f must end when
// life.stopping is closed.
func (s *EtcdServer) goAttach(f func()) {
	s.life.wgMu.RLock()
	defer s.life.wgMu.RUnlock()
	select {
	case <-s.life.stopping:
	default:
		s.life.wg.Go(f)
	}
}

// drain counts the requests that are under way, so that a stop can refuse new
// requests and wait for these. It costs a request two atomic additions.
type drain struct {
	n        atomic.Int64
	closed   atomic.Bool
	idleOnce sync.Once
	idle     chan struct{} // closed when no request is left and none can come
}

func newDrain() *drain { return &drain{idle: make(chan struct{})} }

// enter reports whether a request may run. If it returns true, the caller must call
// leave when the request is over.
func (d *drain) enter() bool {
	d.n.Add(1)
	// Count first and check then: close sees the count, or enter sees the flag, or
	// both.
	if d.closed.Load() {
		d.leave()
		return false
	}
	return true
}

func (d *drain) leave() {
	if d.n.Add(-1) == 0 && d.closed.Load() {
		d.idleOnce.Do(func() { close(d.idle) })
	}
}

// close refuses requests from now on. It may be called more than once.
func (d *drain) close() {
	d.closed.Store(true)
	// If no request is under way, this leave is the last one and closes idle.
	d.n.Add(1)
	d.leave()
}
