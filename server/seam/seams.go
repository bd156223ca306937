package seam

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"glasskv/server/etcdserver"
	"glasskv/server/serve"
	"glasskv/server/v3rpc"
	"glasskv/trace/record"

	"go.etcd.io/etcd/pkg/v3/wait"
	"go.etcd.io/etcd/server/v3/storage/mvcc"
	"go.etcd.io/raft/v3"
)

// Options steer what the seams tell a client.
type Options struct {
	// TraceURL is where the server's finished timelines can be fetched. It is
	// returned to clients that sent a traceparent; empty means that there is no
	// such place.
	TraceURL string

	// HoldTimeout is how long a request is held at a breakpoint that says nothing
	// of it; 0 means a minute.
	HoldTimeout time.Duration

	// FaultSeed is where the chance of faults begins; 0 means anywhere.
	FaultSeed uint64

	FrontOptions
}

// Observer holds the wrappers of one server. It may be used for one server
// only, for it knows that server's connections and requests.
type Observer struct {
	rec      *record.Recorder
	opts     Options
	stopping atomic.Bool
	requests requests
	loop     raftLoop
	applying applying
	notified notified
	reading  reading
	holds    holds
	faults   faults
	raftNode atomic.Pointer[raft.Node] // once the server is being built
	frontState
	gatewayCalls gatewayCalls

	stopSweep context.CancelFunc
	sweeping  sync.WaitGroup
}

// New prepares the wrappers, and starts the sweeper, which Close ends. It is an
// error when the WAL's own measurement of its fdatasync cannot be found, for then
// the disk could not be told apart.
func New(rec *record.Recorder, opts Options) (*Observer, error) {
	meter, err := newFsyncMeter()
	if err != nil {
		return nil, err
	}
	o := &Observer{rec: rec, opts: opts, gatewayCalls: newGatewayCalls(rec)}
	o.holds.init(o, opts.HoldTimeout)
	o.faults.init(o, opts.FaultSeed)
	o.loop = raftLoop{requests: &o.requests, fsync: meter, holds: &o.holds, faults: &o.faults}
	o.applying.requests, o.applying.notified = &o.requests, &o.notified
	o.applying.holds, o.applying.faults = &o.holds, &o.faults
	o.reading.holds = &o.holds
	ctx, cancel := context.WithCancel(context.Background())
	o.stopSweep = cancel
	o.sweeping.Go(func() { o.sweep(ctx) })
	return o, nil
}

// release lets those go on who are held, or wait for a fault. Nobody is held any
// more, and no fault strikes.
func (o *Observer) release() {
	o.holds.close()
	o.faults.close()
}

// Close ends the sweeper, and lets those go on who are held. The wrappers keep
// working; records that do not complete by themselves stay unfinished from then on.
// Close may be called more than once.
func (o *Observer) Close() {
	o.release()
	o.stopSweep()
	o.sweeping.Wait()
}

// Seams returns the wrappers for serve.Start.
func (o *Observer) Seams() serve.Seams {
	f := o.front()
	return serve.Seams{
		Server:           o.raftSeams(),
		V3RPC:            v3rpc.Seams{Watch: o.watchLoop},
		Accept:           f.Accept,
		Listener:         f.Listener,
		Creds:            f.Creds,
		HTTPListener:     func(l net.Listener) net.Listener { return &httpListener{l, o} },
		HandshakeFailure: handshakeFailure,
		ServeHTTP:        o.serveHTTP,
		Options:          f.Options,
		Interceptors: serve.Interceptors{
			OuterUnary: f.OuterUnary, InnerUnary: f.InnerUnary,
			OuterStream: f.OuterStream, InnerStream: f.InnerStream,
		},
		ServiceDesc: f.ServiceDesc,
		HTTP:        o.http,
		Gateway:     o.gateway,
		GatewayDial: o.gatewayDial,
		Metrics:     newMetrics(o.rec),
		InProcess:   o.inProcess,
		// Requests that end from then on without a reply say why. Nobody is held any
		// more, for the server waits for its requests.
		Stopping: func() { o.stopping.Store(true); o.release() },
	}
}

func (o *Observer) raftSeams() etcdserver.Seams {
	return etcdserver.Seams{
		Node:    func(n raft.Node) raft.Node { o.raftNode.Store(&n); return &node{n, &o.requests, &o.holds} },
		Storage: func(s etcdserver.Storage) etcdserver.Storage { return &storage{s, &o.loop} },
		Wait:    func(w wait.Wait) wait.Wait { return &waiting{w, &o.requests, &o.holds} },
		KV:      func(k mvcc.WatchableKV) mvcc.WatchableKV { return &kv{k, &o.applying} },

		RaftRequest: o.raftRequest,
		ProcessOnce: o.processOnce,
		ReqTimeout:  o.holds.reqTimeout,
		Ready:       o.loop.ready,
		ApplyAll:    o.applying.all,
		ApplyEntry:  o.applying.entry,
		Apply:       o.applying.apply,
		Range:       o.rangeKeys,
		Txn:         o.txn,
		ReadNotify:  o.reading.notify,
		ReadRound:   o.reading.round,
		ReadIndex:   o.reading.index,
		WaitApplied: o.reading.waitApplied,

		Maintenance: o.maintenanceSeams(),

		LeaseWaitApplied: o.leaseWaitApplied,
		LeaseLookup:      o.leaseLookup,
		LeaseRenew:       o.leaseRenew,
	}
}
