package fault

import (
	"math/rand/v2"
	"runtime"
	"time"

	"glasskv/server/control"
	"glasskv/trace/record"
	"glasskv/trace/stages"
)

// newFaults returns faults that are all off. Switching one on or off is noted in rec
// and reported to tell. The seed decides what is left to chance; 0 means any.
func New(rec *record.Recorder, tell func(control.Event), seed uint64) *Faults {
	if seed == 0 {
		seed = rand.Uint64()
	}
	return &Faults{
		rec: rec, tell: tell, stop: make(chan struct{}),
		chance: rand.New(rand.NewPCG(seed, seed)), //nolint:gosec // nothing is secret about a fault
	}
}

// SetFault implements control.Faulter.
func (f *Faults) SetFault(in control.Fault) error {
	k, err := kindOf(in.Name)
	if err != nil {
		return err
	}
	p, err := faultSpecs[k].check(in)
	if err != nil {
		return err
	}
	one := &active{name: in.Name, parameters: p, off: make(chan struct{})}
	f.mu.Lock()
	if f.stopped {
		f.mu.Unlock()
		return control.Mistake("the server is being stopped")
	}
	f.rec.FaultOn(one.name) // before it can strike
	f.replace(k, one)
	if p.duration > 0 {
		one.until = time.Now().Add(p.duration)
		one.timer = time.AfterFunc(p.duration, func() { f.clear(k, one) })
	}
	if k == busyProcessor {
		f.keepBusy(one)
	}
	told := describeFault(k, one)
	f.mu.Unlock()
	f.tell(control.Event{Kind: control.FaultChanged, Fault: &told})
	return nil
}

// ClearFault implements control.Faulter.
func (f *Faults) ClearFault(name string) error {
	if name == "" {
		for k := range numFaults {
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

// clear switches a fault off. With an own one it does so only where that is still the
// one that is on.
func (f *Faults) clear(k Kind, own *active) {
	f.mu.Lock()
	old := f.on[k].Load()
	if old == nil || own != nil && own != old {
		f.mu.Unlock()
		return
	}
	f.replace(k, nil)
	f.rec.FaultOff(old.name)
	f.mu.Unlock()
	told := describeFault(k, nil)
	f.tell(control.Event{Kind: control.FaultChanged, Fault: &told})
}

// replace puts one in the place of what is on, and lets those go on who wait for that.
func (f *Faults) replace(k Kind, one *active) {
	if old := f.on[k].Swap(one); old != nil {
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
	all := make([]control.Fault, 0, numFaults)
	for k := range numFaults {
		all = append(all, describeFault(k, f.on[k].Load()))
	}
	return all
}

// Close lets everybody go on, and switches everything off for good.
func (f *Faults) Close() {
	f.mu.Lock()
	if !f.stopped {
		f.stopped = true
		close(f.stop)
		for k := range numFaults {
			if one := f.on[k].Load(); one != nil {
				f.replace(k, nil)
				f.rec.FaultOff(one.name)
			}
		}
	}
	f.mu.Unlock()
	f.busy.Wait()
}

// strikeConn notes a fault that has struck a connection.
func strikeConn(tc *record.Conn, one *active, at stages.Stage, begin, end int64) {
	tc.Faults = append(tc.Faults, record.ConnFault{Name: one.name, At: at, Begin: begin, End: end})
}

// busySlice is how long a busy goroutine computes before it looks whether it is to
// stop and lets others have the processor. The runtime takes a processor away after
// ten milliseconds, so a shorter slice is a goroutine that is busy and not wicked.
const busySlice = 4 * time.Millisecond

// keepBusy starts the goroutines of a busy-processor. They end when the fault is
// switched off, or with the server.
func (f *Faults) keepBusy(one *active) {
	for range one.amount {
		f.busy.Go(func() {
			for {
				select {
				case <-one.off:
					return
				case <-f.stop:
					return
				default:
				}
				for begin := time.Now(); time.Since(begin) < busySlice; {
				}
				one.times.Add(1)
				runtime.Gosched()
			}
		})
	}
}
