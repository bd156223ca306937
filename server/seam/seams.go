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

// FrontOptions are the options of the outer half.
type FrontOptions = front.Options

// Options steer what the seams tell a client, and what they let others do.
type Options struct {
	// HoldTimeout is how long a request is held at a breakpoint that has no timeout
	// of its own; 0 means a minute.
	HoldTimeout time.Duration

	// FaultSeed decides what faults leave to chance; 0 means any.
	FaultSeed uint64

	FrontOptions
}

// Observer holds the wrappers of one server. It may be used for one server
// only, for it knows that server's connections and requests.
//
// Every part has its own state. What one part needs of another it is given here:
//
//	front ──► holds, faults ◄── path      both ask whether a request is to wait
//	holds ──► surroundings                front and path, by an interface
type Observer struct {
	front  *front.Front
	path   *path.Path
	holds  *hold.Holds
	faults *fault.Faults
}

// surroundings are what the holds see of the server: the two halves as one.
type surroundings struct {
	*front.Front
	*path.Path
}

// New prepares the wrappers for one server, and starts the sweeper, which Close ends.
// It is an error when the WAL's own measurement of its fdatasync cannot be found: the
// disk could not be told from the rest of a save.
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

// Seams returns the wrappers for serve.Start. All of them must be installed, for they
// work together.
func (o *Observer) Seams() serve.Seams {
	all := o.front.Seams()
	all.Server = o.path.Seams()
	all.V3RPC = v3rpc.Seams{Watch: o.path.WatchLoop}
	// Requests that end from then on without a reply say why. Nobody is held any
	// more, for the server waits for its requests.
	all.Stopping = func() { o.front.Stopping(); o.release() }
	return all
}

// Steering returns what holds requests and switches faults, for those in the same
// process and for control.Handler. It does its work until the server stops.
func (o *Observer) Steering() control.Steering { return steering{o.holds, o.faults} }

// steering joins what an Observer has to offer.
type steering struct {
	*hold.Holds
	control.Faulter
}

// release lets those go on who are held, or wait for a fault. Nobody is held any
// more, and no fault strikes.
func (o *Observer) release() {
	o.holds.Close()
	o.faults.Close()
}

// Close ends the sweeper, and lets those go on who are held. The wrappers keep
// working; records that do not complete by themselves stay unfinished from then on.
// Close may be called more than once.
func (o *Observer) Close() {
	o.release()
	o.front.Close()
}
