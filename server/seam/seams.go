package seam

import (
	"time"

	"glasskv/server/control"
	"glasskv/server/seam/fault"
	"glasskv/server/seam/front"
	"glasskv/server/seam/hold"
	"glasskv/server/seam/path"
	"glasskv/server/serve"
	"glasskv/server/v3rpc"
	"glasskv/trace/record"
)

// FrontOptions are the options of package front.
type FrontOptions = front.Options

// Options are the options of an Observer. The zero value is ready to use.
type Options struct {
	// HoldTimeout is how long a request is held at most, at a breakpoint without a
	// timeout of its own. Zero means one minute.
	HoldTimeout time.Duration

	// FaultSeed decides what faults leave to chance. Zero means any seed.
	FaultSeed uint64

	FrontOptions
}

// Observer observes one server. It must not be used for another one: it keeps that server's
// connections and requests. Its methods may be called by any goroutine.
//
// Each part has its own state. New gives each of them what it needs of the others:
//
//	front ──► holds, faults ◄── path      at each stage: is the request to wait?
//	  ▲                           ▲
//	  └────── surroundings ───────┘       when a request is held: what is around it?
//	                ▲
//	              holds
type Observer struct {
	front  *front.Front
	path   *path.Path
	holds  *hold.Holds
	faults *fault.Faults
}

// surroundings joins front and path to what the holds ask of the server.
type surroundings struct {
	*front.Front
	*path.Path
}

var _ hold.Surroundings = surroundings{}

// New returns an Observer for one server. It starts a goroutine, which Close ends. It returns
// an error if it cannot find the histogram by which the WAL measures fdatasync.
func New(rec *record.Recorder, opts Options) (*Observer, error) {
	h := hold.New(rec, opts.HoldTimeout)
	f := fault.New(rec, h.Publish, opts.FaultSeed)
	path, err := path.New(h, f)
	if err != nil {
		return nil, err
	}
	o := &Observer{front: front.New(rec, h, f, opts.FrontOptions), path: path, holds: h, faults: f}
	h.SetSurroundings(surroundings{o.front, o.path})
	return o, nil
}

// Seams returns the wrappers for serve.Start. All of them must be installed, since they work
// together. A caller may put wrappers of its own around them.
func (o *Observer) Seams() serve.Seams {
	all := o.front.Seams()
	all.Server = o.path.Seams()
	all.V3RPC = v3rpc.Seams{Watch: o.path.WatchLoop}
	// From then on a request that ends without a reply says that the server was
	// stopped. The server waits for its requests, so they must not be held any more.
	all.Stopping = func() { o.front.Stopping(); o.endHoldsAndFaults() }
	return all
}

// Steering returns what holds requests and switches faults, to be called in this process or
// to be given to control.Handler. When the server stops, all holds and faults end, and from
// then on there are no new ones.
func (o *Observer) Steering() control.Steering { return steering{o.holds, o.faults} }

// steering makes one control.Steering of holds and faults.
type steering struct {
	*hold.Holds
	control.Faulter
}

// endHoldsAndFaults ends all holds and faults for good.
func (o *Observer) endHoldsAndFaults() {
	o.holds.Close()
	o.faults.Close()
}

// Close ends all holds and faults, and the goroutine that New started. That goroutine finishes
// the records that do not complete by themselves; after Close they stay unfinished. The
// wrappers keep working. Close may be called more than once.
func (o *Observer) Close() {
	o.endHoldsAndFaults()
	o.front.Close()
}
