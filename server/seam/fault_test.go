package seam

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"
	"time"

	"glasskv/server/control"
	"glasskv/server/seam/seamtest"
	"glasskv/trace"
	"glasskv/trace/record"
	"glasskv/trace/stages"
)

func TestAFaultStrikesAsOftenAsAskedFor(t *testing.T) {
	s := newSteered(t, Options{FaultSeed: 7})
	s.must(s.SetFault(control.Fault{Name: "slow-handler", Delay: "1us", Probability: 0.25}))
	const n = 40
	for range n {
		s.must(<-s.put(seamtest.Limit(t), "k"))
	}
	struck := s.fault("slow-handler").Struck
	if struck == 0 || struck > n/2 {
		t.Errorf("it struck %d times of %d", struck, n)
	}
}

// awaitStruck waits until a fault has struck. Nothing tells of each strike, for there
// may be thousands a second: so it asks.
func awaitStruck(t testing.TB, from control.Faulter, name string) {
	t.Helper()
	struck := func(f control.Fault) bool { return f.Name == name && f.Struck > 0 }
	for ctx := seamtest.Limit(t); !slices.ContainsFunc(from.Faults(), struck); runtime.Gosched() {
		if ctx.Err() != nil {
			t.Fatalf("%s never struck", name)
		}
	}
}

// fault returns what the server says of a fault.
func (s *steered) fault(name string) (found control.Fault) {
	for _, f := range s.Faults() {
		if f.Name == name {
			found = f
		}
	}
	return found
}

func TestAFaultEndsByItself(t *testing.T) {
	s := newSteered(t, Options{})
	s.must(s.SetFault(control.Fault{Name: "slow-handler", Delay: "10s", For: control.Duration(time.Millisecond)}))
	on := s.event(control.FaultChanged).Fault
	if !on.On || on.Until == "" || on.EN == "" || on.ZH == "" || on.Delay != "10s" || on.Probability != 1 {
		t.Errorf("switched on: %+v", on)
	}
	s.must(<-s.put(seamtest.Limit(t), "k")) // who waits for it goes on when it ends
	if off := s.event(control.FaultChanged).Fault; off.On || off.Name != "slow-handler" {
		t.Errorf("ended: %+v", off)
	}
}

func TestSwitchingAFaultOffLetsThoseGoOnWhoWait(t *testing.T) {
	for name, sent := range map[string]string{"slow-fsync": "wal.sync", "slow-write": "wal.save", "stalled-apply": "apply.entry", "slow-handler": "v3rpc.Put"} {
		t.Run(name, func(t *testing.T) {
			s := newSteered(t, Options{})
			finished := make(chan *record.Record, 16)
			defer s.recorder.Subscribe(func(rec *record.Record) { finished <- rec })()
			s.must(s.SetFault(control.Fault{Name: name, Delay: "10s"}))
			done := s.put(seamtest.Limit(t), "k")
			awaitStruck(t, s, name)
			s.must(s.ClearFault(""))
			s.must(seamtest.Await(t, "put", done))
			tl := seamtest.Await(t, "record", finished).Timeline()
			sound(t, tl)
			row := tl.Stage("seam.fault")
			if row == nil || row.Attributes[trace.AttrWhy] != name || row.Attributes[trace.AttrAt] != sent || row.Attributes[trace.AttrEnded] != trace.EndedCleared {
				t.Errorf("row of the fault: %+v", row)
			}
			if own := tl.Stage(sent); name == "slow-fsync" && own.EndNS > row.BeginNS || name != "slow-fsync" && own.BeginNS < row.EndNS {
				t.Errorf("%s is %d to %d, and the wait %d to %d lies in it", sent, own.BeginNS, own.EndNS, row.BeginNS, row.EndNS)
			}
		})
	}
}

// The wait lies in wal.save, where a slow disk would have it; what Prometheus is told of
// wal.save leaves it out.
func TestTheHistogramsLeaveTheWaitOut(t *testing.T) {
	s := newSteered(t, Options{})
	s.must(s.SetFault(control.Fault{Name: "slow-fsync", Delay: "5ms"}))
	counted := make(chan *record.Record, 16) // it is told of a record when that is counted
	defer s.recorder.Subscribe(func(rec *record.Record) { counted <- rec })()
	s.must(<-s.put(seamtest.Limit(t), "k"))
	tl := seamtest.Await(t, "record", counted).Timeline()
	save, wait := tl.Stage("wal.save"), tl.Stage("seam.fault")
	if wait.BeginNS < save.BeginNS || wait.EndNS > save.EndNS {
		t.Errorf("the wait, %d to %d, is not in wal.save, %d to %d", wait.BeginNS, wait.EndNS, save.BeginNS, save.EndNS)
	}
	told := map[stages.Stage]int64{}
	for _, h := range s.recorder.Histograms() {
		told[h.Stage] = h.SumNS
	}
	if want := save.Duration() - wait.Duration(); told[stages.WALSave] != want || told[stages.Fault] != wait.Duration() {
		t.Errorf("Prometheus is told of %d ns in wal.save and %d in the fault, want %d and %d",
			told[stages.WALSave], told[stages.Fault], want, wait.Duration())
	}
}

func TestStoppingTheServerEndsAllFaults(t *testing.T) {
	for _, name := range []string{"slow-fsync", "stalled-apply", "slow-handler"} {
		t.Run(name, func(t *testing.T) {
			s := newSteered(t, Options{})
			s.must(s.SetFault(control.Fault{Name: name, Delay: "10s"}))
			s.must(s.SetFault(control.Fault{Name: "busy-processor", Goroutines: 2}))
			done := s.put(seamtest.Limit(t), "k")
			awaitStruck(t, s, name)
			s.must(s.node.Stop(seamtest.Limit(t)))
			s.must(seamtest.Await(t, "put", done)) // a graceful stop lets it end
			if err := s.SetFault(control.Fault{Name: name, Delay: "1s"}); !errors.Is(err, control.ErrMistake) {
				t.Errorf("switched on while the server stops: %v", err)
			}
		})
	}
}

// A fault that was switched off leaves nothing in the requests after it.
func TestAFaultThatIsOffLeavesNothing(t *testing.T) {
	s := newSteered(t, Options{})
	finished := make(chan *record.Record, 16)
	defer s.recorder.Subscribe(func(rec *record.Record) { finished <- rec })()
	s.must(s.SetFault(control.Fault{Name: "slow-fsync", Delay: "1ms"}))
	s.must(s.ClearFault("slow-fsync"))
	s.must(<-s.put(context.WithoutCancel(seamtest.Limit(t)), "k"))
	tl := seamtest.Await(t, "record", finished).Timeline()
	if tl.Stage("seam.fault") != nil || tl.Attributes[trace.AttrFaults] != "" {
		t.Errorf("a fault is left: %v", tl.Attributes)
	}
}
