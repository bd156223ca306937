package fault

import (
	"math/rand/v2"
	"runtime"
	"time"

	"glasskv/server/control"
	"glasskv/trace/record"
)

// New returns the faults of one server, all of them off. It tells rec when a fault is
// switched on or off, and calls publish with that change. seed decides what the faults
// leave to chance; zero means any seed.
func New(rec *record.Recorder, publish func(control.Event), seed uint64) *Faults {
	if seed == 0 {
		seed = rand.Uint64()
	}
	return &Faults{
		rec: rec, publish: publish, stop: make(chan struct{}),
		chance: rand.New(rand.NewPCG(seed, seed)), //nolint:gosec // a fault needs no secrets
	}
}

// SetFault implements control.Faulter.
func (f *Faults) SetFault(in control.Fault) error {
	k, err := kindOf(in.Name)
	if err != nil {
		return err
	}
	p, err := specs[k].check(in)
	if err != nil {
		return err
	}
	active := &activeFault{name: in.Name, parameters: p, off: make(chan struct{})}
	f.mu.Lock()
	if f.stopped {
		f.mu.Unlock()
		return control.Mistake("the server is being stopped")
	}
	f.rec.FaultOn(active.name) // before it can strike
	f.replace(k, active)
	if p.duration > 0 {
		active.until = time.Now().Add(p.duration)
		active.timer = time.AfterFunc(p.duration, func() { f.clear(k, active) })
	}
	if k == busyProcessor {
		f.keepBusy(active)
	}
	changed := describe(k, active)
	f.mu.Unlock()
	f.publish(control.Event{Kind: control.FaultChanged, Fault: &changed})
	return nil
}

// ClearFault implements control.Faulter.
func (f *Faults) ClearFault(name string) error {
	if name == "" {
		for k := range numKinds {
			f.clear(k, nil)
		}
		return nil
	}
	k, err := kindOf(name)
	if err == nil {
		f.clear(k, nil)
	}
	return err
}

// clear switches a fault off. If only is not nil, it does so only if that is what is on.
func (f *Faults) clear(k Kind, only *activeFault) {
	f.mu.Lock()
	old := f.on[k].Load()
	if old == nil || only != nil && only != old {
		f.mu.Unlock()
		return
	}
	f.replace(k, nil)
	f.rec.FaultOff(old.name)
	f.mu.Unlock()
	changed := describe(k, nil)
	f.publish(control.Event{Kind: control.FaultChanged, Fault: &changed})
}

// replace switches a fault on, or off if active is nil, and ends the waits of the one that
// was on. The caller holds f.mu.
func (f *Faults) replace(k Kind, active *activeFault) {
	if old := f.on[k].Swap(active); old != nil {
		close(old.off)
		if old.timer != nil {
			old.timer.Stop()
		}
	}
}

// Faults implements control.Faulter.
func (f *Faults) Faults() []control.Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]control.Fault, 0, numKinds)
	for k := range numKinds {
		all = append(all, describe(k, f.on[k].Load()))
	}
	return all
}

// Close switches all faults off for good and ends their waits. It returns when the
// goroutines of busy-processor have ended. It may be called more than once.
func (f *Faults) Close() {
	f.mu.Lock()
	if !f.stopped {
		f.stopped = true
		close(f.stop)
		for k := range numKinds {
			if active := f.on[k].Load(); active != nil {
				f.replace(k, nil)
				f.rec.FaultOff(active.name)
			}
		}
	}
	f.mu.Unlock()
	f.busy.Wait()
}

// busySlice is how long a busy goroutine computes before it yields and looks whether it is
// to stop. The runtime preempts a goroutine after ten milliseconds; a slice below that makes
// it busy, but not uncooperative.
const busySlice = 4 * time.Millisecond

// keepBusy starts the goroutines of busy-processor. They end when the fault is switched off
// or the server stops.
func (f *Faults) keepBusy(active *activeFault) {
	for range active.amount {
		f.busy.Go(func() {
			for {
				select {
				case <-active.off:
					return
				case <-f.stop:
					return
				default:
				}
				for begin := time.Now(); time.Since(begin) < busySlice; {
				}
				active.strikes.Add(1)
				runtime.Gosched()
			}
		})
	}
}
