package seam

import (
	"bytes"
	"context"
	"errors"
	"net"
	"runtime"
	"slices"
	"testing"
	"time"

	"glasskv/server/control"
	"glasskv/trace"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	"golang.org/x/net/http2"
)

func TestAFaultStrikesAsOftenAsAskedFor(t *testing.T) {
	s := newSteered(t, Options{FaultSeed: 7})
	s.must(s.SetFault(control.Fault{Name: "slow-handler", Delay: "1us", Probability: 0.25}))
	const n = 40
	for range n {
		s.must(<-s.put(limit(t), "k"))
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
	for ctx := limit(t); !slices.ContainsFunc(from.Faults(), struck); runtime.Gosched() {
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
	s.must(<-s.put(limit(t), "k")) // who waits for it goes on when it ends
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
			done := s.put(limit(t), "k")
			awaitStruck(t, s, name)
			s.must(s.ClearFault(""))
			s.must(await(t, "put", done))
			tl := await(t, "record", finished).Timeline()
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
	s.must(<-s.put(limit(t), "k"))
	tl := await(t, "record", counted).Timeline()
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
			done := s.put(limit(t), "k")
			awaitStruck(t, s, name)
			s.must(s.node.Stop(limit(t)))
			s.must(await(t, "put", done)) // a graceful stop lets it end
			if err := s.SetFault(control.Fault{Name: name, Delay: "1s"}); !errors.Is(err, control.ErrMistake) {
				t.Errorf("switched on while the server stops: %v", err)
			}
		})
	}
}

// A request that gives up while it waits for its turn leaves the queue; so does one
// whose turn has come.
func TestTheQuotaCountsRight(t *testing.T) {
	var q quota
	for range 2 {
		if q.take(2) != nil {
			t.Fatal("one of two had to wait")
		}
	}
	third, fourth := q.take(2), q.take(2)
	if q.leave(third) {
		t.Error("who gave up had a place")
	}
	q.give() // to the fourth
	await(t, "turn", fourth)
	if !q.leave(fourth) {
		t.Error("whose turn it was has no place")
	}
	q.give()
	q.give()
	if q.running != 0 || len(q.waiting) != 0 {
		t.Errorf("%d are running and %d wait, want none", q.running, len(q.waiting))
	}
}

// written is a connection that keeps what is written to it.
type written struct {
	net.Conn
	bytes.Buffer
}

func (w *written) Write(p []byte) (int, error) { return w.Buffer.Write(p) }
func (w *written) Read([]byte) (int, error)    { return 0, errors.New("not to be read") }

// The first thing that a client reads are its small windows. What grpc-go announces
// later is made a quarter, below which the client could get stuck.
func TestTheWindowStaysSmall(t *testing.T) {
	var server bytes.Buffer
	framer := http2.NewFramer(&server, nil)
	for _, err := range []error{
		framer.WriteSettings(http2.Setting{ID: http2.SettingMaxFrameSize, Val: 16384}),
		framer.WriteSettingsAck(),
		framer.WriteData(1, false, []byte("looks like nothing else")),
		framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 20}),
		framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 20_000}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	sent := bytes.Clone(server.Bytes())
	for _, cut := range []int{len(sent), 31, 9} { // at ends of frames, as grpc-go writes
		n, to := narrowing{bytes: minWindow}, &written{}
		for _, p := range [][]byte{sent[:min(cut, len(sent))], sent[min(cut, len(sent)):]} {
			if wrote, err := n.write(to, p); err != nil || wrote != len(p) {
				t.Fatalf("wrote %d of %d: %v", wrote, len(p), err)
			}
		}
		if !bytes.Equal(sent, server.Bytes()) {
			t.Error("the caller's bytes were changed")
		}
		if got := windowsIn(t, &to.Buffer); !slices.Equal(got, []uint32{minWindow, 1<<18 + 1, minWindow}) {
			t.Errorf("cut at %d: the client reads windows %v", cut, got)
		}
	}
}

func windowsIn(t *testing.T, from *bytes.Buffer) (all []uint32) {
	framer := http2.NewFramer(nil, from)
	for from.Len() > 0 {
		frame, err := framer.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		if settings, ok := frame.(*http2.SettingsFrame); ok {
			if window, has := settings.Value(http2.SettingInitialWindowSize); has {
				all = append(all, window)
			}
		}
	}
	return all
}

// With nothing switched on, a place of a fault costs a load and no memory.
func TestAFaultThatIsOffCostsNothing(t *testing.T) {
	s := newSteered(t, Options{})
	f, loop := &s.observer.faults, &raftLoop{faults: &s.observer.faults}
	allocs := testing.AllocsPerRun(1000, func() {
		if f.isOn(slowHandler) || loop.delay(slowFsync, stages.WALSync, 1) != 1 || f.accepted(nil, 1) != 1 {
			t.Fatal("something is on")
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
	finished := make(chan *record.Record, 16)
	defer s.recorder.Subscribe(func(rec *record.Record) { finished <- rec })()
	s.must(s.SetFault(control.Fault{Name: "slow-fsync", Delay: "1ms"}))
	s.must(s.ClearFault("slow-fsync"))
	s.must(<-s.put(context.WithoutCancel(limit(t)), "k"))
	tl := await(t, "record", finished).Timeline()
	if tl.Stage("seam.fault") != nil || tl.Attributes[trace.AttrFaults] != "" {
		t.Errorf("a fault is left: %v", tl.Attributes)
	}
}
