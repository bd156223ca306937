package page

import (
	"context"
	"errors"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"glasskv/server/control"
	"glasskv/trace"
	"glasskv/walkthrough/walk/tour"
)

// desk is what a server would let one steer: it remembers what was asked for.
type desk struct {
	asked []string
	state control.State
	fault control.Fault
}

func (d *desk) note(what string) (control.State, error) {
	d.asked = append(d.asked, what)
	return d.state, nil
}

func (d *desk) State(context.Context, time.Duration) (control.State, error) { return d.state, nil }

func (d *desk) Hold(_ context.Context, id int) (*control.Report, error) {
	if id != 7 {
		return nil, errors.New("no request is held under that number")
	}
	return &control.Report{
		Hold:     control.Hold{ID: 7, Stage: "raft.propose", Key: "<b>"},
		Timeline: []byte(`{"trace_id":"1","duration_ns":5}`),
	}, nil
}

func (d *desk) Step(context.Context, int) (control.State, error)     { return d.note("step") }
func (d *desk) Continue(context.Context, int) (control.State, error) { return d.note("continue") }

func (d *desk) SetBreak(_ context.Context, b control.Break) (control.State, error) {
	d.state.Breaks = append(d.state.Breaks, b)
	return d.note("break " + b.Stage)
}

func (d *desk) ClearBreak(_ context.Context, stage string) (control.State, error) {
	d.state.Breaks = nil
	return d.note("clear " + stage)
}

func (d *desk) Faults(context.Context) ([]control.Fault, error) { return []control.Fault{d.fault}, nil }

func (d *desk) SetFault(_ context.Context, f control.Fault) ([]control.Fault, error) {
	d.fault = f
	return []control.Fault{f}, nil
}

func (d *desk) ClearFault(context.Context, string) ([]control.Fault, error) {
	d.fault.On = false
	return []control.Fault{d.fault}, nil
}

func TestARequestIsHeldFromThePage(t *testing.T) {
	d := &desk{state: control.State{Holds: []control.Hold{{
		ID: 7, Stage: "raft.propose", Method: "/etcdserverpb.KV/Put", Key: "<script>", Lane: control.LaneRequest,
	}}}}
	s := open(t, Options{Shown: []*trace.Timeline{parse(t, put)}, Control: d})
	contains(t, s.get(trace1+"/raft.propose"), `data-body="on=true&amp;stage=raft.propose"`, "hold here", `id="held"`)
	post := func(target, form string) string {
		_, body := s.do(s.request(http.MethodPost, target, strings.NewReader(form)))
		return body
	}
	contains(t, post("/control/break", "on=true&stage=raft.propose"), "<code>raft.propose</code>", "PUT &lt;script&gt;", "only this request waits")
	contains(t, s.get(trace1+"/raft.propose"), "hold no more")
	contains(t, post("/control/step", "id=7&lang=zh"), "停在")
	post("/control/continue", "id=7")
	post("/control/break", "stage=raft.propose")
	if got := strings.Join(d.asked, ", "); got != "break raft.propose, step, continue, clear raft.propose" {
		t.Errorf("asked for %s", got)
	}
	contains(t, s.get("/control/hold?id=7"), "#7 held at raft.propose", "&lt;b&gt;")
	contains(t, s.get("/control/hold?id=8"), "no request is held")
}

func TestAFaultIsSwitchedFromThePage(t *testing.T) {
	d := &desk{fault: control.Fault{Name: "small-window", Counts: "bytes", EN: "takes little at a time"}}
	s := open(t, Options{Shown: []*trace.Timeline{parse(t, put)}, Control: d})
	contains(t, s.get("/control/faults"), "small-window", "takes little", "bytes", `value="16384"`)
	set := func(form string) string {
		_, body := s.do(s.request(http.MethodPost, "/control/fault", strings.NewReader(form)))
		return body
	}
	contains(t, set("name=small-window&value=much&on=true"), "bytes is a number")
	set("name=small-window&value=32768&on=true")
	if d.fault.Bytes != 32768 || !d.fault.On {
		t.Errorf("set to %+v", d.fault)
	}
	set("name=slow-fsync&value=20ms&on=true")
	if d.fault.Delay != "20ms" {
		t.Errorf("set to %+v", d.fault)
	}
	if set("name=slow-fsync&on="); d.fault.On {
		t.Error("still on")
	}
}

var switchForm = regexp.MustCompile(`name="name" value="([^"]*)"(?s:.*?)name="value" value="([^"]*)"`)

// Whoever opens the list and presses "on" is not told that the number will not do.
func TestWhatIsOfferedForAFaultIsTaken(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	live, err := tour.Start(t.Context(), tour.LiveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := live.Close(); err != nil {
			t.Error(err)
		}
	})
	steering := live.Server().Observer().Steering()
	s := open(t, Options{Shown: []*trace.Timeline{parse(t, put)}, Control: control.Local(steering)})
	for _, m := range switchForm.FindAllStringSubmatch(s.get("/control/faults"), -1) {
		form := url.Values{"name": {m[1]}, "value": {html.UnescapeString(m[2])}, "on": {"true"}}.Encode()
		if _, body := s.do(s.request(http.MethodPost, "/control/fault", strings.NewReader(form))); strings.Contains(body, "error") {
			t.Errorf("%s: %s", form, body)
		}
	}
	for _, f := range steering.Faults() {
		if !f.On {
			t.Errorf("%s is not on", f.Name)
		}
	}
}

func TestOtherSitesSteerNothing(t *testing.T) {
	d := &desk{}
	s := open(t, Options{Shown: []*trace.Timeline{parse(t, put)}, Control: d})
	for _, target := range []string{"/control/break", "/control/step", "/control/continue", "/control/fault", "/make"} {
		req := s.request(http.MethodPost, target, strings.NewReader("stage=wal.save&id=1&on=true"))
		req.Header.Set("Sec-Fetch-Site", "cross-site")
		if resp, _ := s.do(req); resp.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %s", target, resp.Status)
		}
		if resp, _ := s.do(s.request(http.MethodGet, target, nil)); resp.StatusCode != http.StatusNotFound && resp.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("GET %s: %s", target, resp.Status)
		}
	}
	if len(d.asked) > 0 {
		t.Errorf("asked for %v", d.asked)
	}
}

func TestWithoutControlThereIsNothingToSteer(t *testing.T) {
	s := open(t, Options{Shown: []*trace.Timeline{parse(t, put)}})
	if body := s.get(trace1 + "/raft.propose"); strings.Contains(body, "hold here") || strings.Contains(body, "/control/") {
		t.Error("there are buttons")
	}
	resp, _ := s.do(s.request(http.MethodPost, "/control/step", strings.NewReader("id=1")))
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("step: %s", resp.Status)
	}
}
