package control

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// fake is a server that does as it is told and remembers it.
type fake struct {
	mu    sync.Mutex
	said  []string
	state State
	told  []func(Event)
	asked chan struct{} // somebody watches
}

func (f *fake) note(words ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.said = append(f.said, strings.Join(words, " "))
}

func (f *fake) State() State {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state
}

func (f *fake) SetBreak(b Break) error {
	f.note("break", b.String())
	if b.Stage == "wal.sync" {
		return Mistake("not there")
	}
	return nil
}

func (f *fake) ClearBreak(stage string) error { f.note("clear", stage); return nil }
func (f *fake) Step(id int) error             { f.note("step", string(rune('0'+id))); return nil }
func (f *fake) Continue(id int) error         { f.note("continue", string(rune('0'+id))); return nil }
func (f *fake) Faults() []Fault               { return []Fault{{Name: "slow-fsync", On: true}} }
func (f *fake) ClearFault(name string) error  { f.note("no fault", name); return nil }

func (f *fake) SetFault(fault Fault) error {
	f.note("fault", fault.Name, fault.Delay, fault.For.String())
	return nil
}

func (f *fake) Hold(id int) (*Report, error) {
	if id != 1 {
		return nil, Unknown("hold is over")
	}
	return &Report{Hold: Hold{ID: 1, Stage: "wal.save"}, Timeline: json.RawMessage("{}")}, nil
}

func (f *fake) Watch(told func(Event)) func() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told = append(f.told, told)
	if f.asked != nil {
		close(f.asked)
		f.asked = nil
	}
	return func() {}
}

// serveFake serves a fake on the loopback interface.
func serveFake(t *testing.T, f *fake) *Client {
	srv := httptest.NewServer(Handler(f))
	t.Cleanup(srv.Close)
	return &Client{Base: srv.URL, HTTP: srv.Client()}
}

func TestTheClientSaysWhatTheServerIsToDo(t *testing.T) {
	f := &fake{state: State{Breaks: []Break{{Stage: "wal.save", Timeout: Duration(time.Minute)}}, Holds: []Hold{{ID: 3, Stage: "wal.save"}}}}
	c, ctx := serveFake(t, f), t.Context()
	st, err := c.SetBreak(ctx, Break{Stage: "raft.propose", KeyPrefix: "/a:b", Method: "Put", Timeout: Duration(time.Second), Once: true})
	if err != nil || len(st.Holds) != 1 || st.Breaks[0].Timeout != Duration(time.Minute) {
		t.Fatalf("%+v, %v", st, err)
	}
	for _, err := range []error{
		second(c.Step(ctx, 3)), second(c.Continue(ctx, 3)), second(c.Continue(ctx, 0)),
		second(c.ClearBreak(ctx, "wal.save")), second(c.ClearBreak(ctx, "")),
		second(c.SetFault(ctx, Fault{Name: "slow-fsync", Delay: "uniform(1ms,2ms)", For: Duration(time.Second)})),
		second(c.ClearFault(ctx, "slow-fsync")), second(c.ClearFault(ctx, "")),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	want := []string{
		"break raft.propose:key=/a::b:method=Put:timeout=1s:once", "step 3", "continue 3", "continue 0",
		"clear wal.save", "clear ", "fault slow-fsync uniform(1ms,2ms) 1s", "no fault slow-fsync", "no fault ",
	}
	if !slices.Equal(f.said, want) {
		t.Errorf("the server heard %q\nwant %q", f.said, want)
	}
	if faults, err := c.Faults(ctx); err != nil || len(faults) != 1 || !faults[0].On {
		t.Errorf("faults: %+v, %v", faults, err)
	}
	if r, err := c.Hold(ctx, 1); err != nil || r.Stage != "wal.save" {
		t.Errorf("hold: %+v, %v", r, err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestMistakesComeBackAsSuch(t *testing.T) {
	c, ctx := serveFake(t, &fake{}), t.Context()
	for _, one := range []struct {
		err  error
		kind error
		says string
	}{
		{second(c.SetBreak(ctx, Break{Stage: "wal.sync"})), ErrMistake, "not there"},
		{second(c.SetBreak(ctx, Break{Stage: "*"})), ErrMistake, "a breakpoint is on one stage"},
		{second(c.Hold(ctx, 2)), ErrUnknown, "hold is over"},
		{second(c.Step(ctx, -1)), ErrMistake, "above zero"},
	} {
		if !errors.Is(one.err, one.kind) || !strings.Contains(one.err.Error(), one.says) {
			t.Errorf("got %v, want %v: %q", one.err, one.kind, one.says)
		}
	}
}

// Whoever else answers at the address has not said that something is unknown.
func TestOthersThanAServerAreToldApart(t *testing.T) {
	other := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(other.Close)
	for base, says := range map[string]string{
		other.URL:        "404 Not Found, and is no GlassKV server's",
		"127.0.0.1:2378": "use an address such as http://",
		"localhost:2378": "use an address such as http://",
		"":               "use an address such as http://",
	} {
		_, err := (&Client{Base: base}).Faults(t.Context())
		if err == nil || errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", base, err, says)
		}
	}
}

// A page in a browser can make requests of this machine, but it cannot give them
// this header, nor this type of content, without asking first.
func TestNothingIsChangedForAWebPage(t *testing.T) {
	f := &fake{}
	h := Handler(f)
	for _, c := range []struct {
		method, path, media, header, from string
		status                            int
	}{
		{"POST", "breaks", "application/json", "", "127.0.0.1:9", 403},
		{"POST", "breaks", "application/json", "0", "127.0.0.1:9", 403},
		{"POST", "breaks", "text/plain", "1", "127.0.0.1:9", 415},
		{"POST", "breaks", "application/x-www-form-urlencoded", "1", "127.0.0.1:9", 415},
		{"POST", "holds/1/step", "", "1", "127.0.0.1:9", 415},
		{"DELETE", "breaks", "application/json", "", "127.0.0.1:9", 403},
		{"DELETE", "faults", "application/json", "", "127.0.0.1:9", 403},
		{"POST", "breaks", "application/json", "1", "192.0.2.7:9", 403},
		{"GET", "holds", "", "", "192.0.2.7:9", 403},
		{"GET", "holds", "", "", "no address", 403},
		{"OPTIONS", "breaks", "", "", "127.0.0.1:9", 403},
		{"GET", "holds", "", "", "[::1]:9", 200},
		{"POST", "breaks", "application/json; charset=utf-8", "1", "127.0.0.1:9", 200},
		{"GET", "elsewhere", "", "", "127.0.0.1:9", 404},
		{"GET", "holds?wait=soon", "", "", "127.0.0.1:9", 400},
		{"GET", "holds/x", "", "", "127.0.0.1:9", 400},
	} {
		req := httptest.NewRequest(c.method, prefix+c.path, strings.NewReader(`{"stage":"wal.save"}`))
		req.RemoteAddr = c.from
		if c.media != "" {
			req.Header.Set("Content-Type", c.media)
		}
		if c.header != "" {
			req.Header.Set("Glasskv-Control", c.header)
		}
		before := len(f.said)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		body, _ := io.ReadAll(w.Result().Body)
		if w.Code != c.status {
			t.Errorf("%s %s: %d %s, want %d", c.method, c.path, w.Code, body, c.status)
		}
		var p problem
		if c.status != http.StatusOK && (json.Unmarshal(body, &p) != nil || p.Error == "" || len(f.said) != before) {
			t.Errorf("%s %s: answered %s, and did %q", c.method, c.path, body, f.said[before:])
		}
	}
}

func TestOnlyKnownMembersAreTaken(t *testing.T) {
	for body, says := range map[string]string{
		`{"stage":"wal.save","key":"a"}`:    `unknown field \"key\"`,
		`{"stage":"wal.save","timeout":5}`:  `a time is written as`,
		`{"stage":"wal.save"`:               "body: unexpected EOF",
		`{"stage":"wal.save","timeout":"x"`: "body:",
	} {
		req := httptest.NewRequest(http.MethodPost, prefix+"breaks", strings.NewReader(body))
		req.RemoteAddr = "127.0.0.1:9"
		req.Header.Set("Content-Type", jsonType)
		req.Header.Set(headerControl, controlValue)
		w := httptest.NewRecorder()
		Handler(&fake{}).ServeHTTP(w, req)
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), says) {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
}

func TestWhoWaitsIsToldWhenSomethingIsHeld(t *testing.T) {
	asked := make(chan struct{})
	f := &fake{asked: asked}
	c := serveFake(t, f)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	answer := make(chan State, 1)
	go func() {
		st, err := c.State(ctx, 20*time.Second)
		if err != nil {
			t.Error(err)
		}
		answer <- st
	}()
	<-asked
	f.mu.Lock()
	f.state.Holds = []Hold{{ID: 1}}
	told := f.told[0]
	f.mu.Unlock()
	told(Event{Kind: Released}) // is not what one waits for
	told(Event{Kind: Held})
	if st := <-answer; len(st.Holds) != 1 {
		t.Errorf("state: %+v", st)
	}
}

// Both Controllers wait for a hold that the caller has not seen yet.
func TestNextHoldPassesOverEarlierOnes(t *testing.T) {
	for name, controller := range map[string]func(*testing.T, *fake) Controller{
		"in this process": func(_ *testing.T, f *fake) Controller { return Local(f) },
		"over HTTP":       func(t *testing.T, f *fake) Controller { return serveFake(t, f) },
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{state: State{Holds: []Hold{{ID: 2}, {ID: 5}}}}
			c := controller(t, f)
			for last, want := range map[int]int{0: 2, 2: 5, 4: 5} {
				if id, err := NextHold(t.Context(), c, last); err != nil || id != want {
					t.Errorf("after %d: %d, %v, want %d", last, id, err, want)
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer cancel()
			if id, err := NextHold(ctx, c, 5); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("after the last: %d, %v, want that the time is up", id, err)
			}
		})
	}
}

// A change in this process is answered with the state after it, also if it is refused.
func TestLocalReturnsTheStateAfterAChange(t *testing.T) {
	f := &fake{state: State{Holds: []Hold{{ID: 1}}}}
	c := Local(f)
	if st, err := c.SetBreak(t.Context(), Break{Stage: "wal.sync"}); !errors.Is(err, ErrMistake) || len(st.Holds) != 1 {
		t.Errorf("%+v, %v", st, err)
	}
	if all, err := c.SetFault(t.Context(), Fault{Name: "slow-fsync"}); err != nil || len(all) != 1 {
		t.Errorf("%+v, %v", all, err)
	}
	// It waits no longer than it was asked to, and not for an ended context.
	ctx, cancel := context.WithCancel(t.Context())
	f.state.Holds = nil
	if st, err := c.State(ctx, time.Millisecond); err != nil || len(st.Holds) != 0 {
		t.Errorf("%+v, %v", st, err)
	}
	cancel()
	if _, err := c.State(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("an ended context: %v", err)
	}
}
