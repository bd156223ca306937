package hold

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"glasskv/server/control"
)

// still is a server on which nothing ever changes.
type still struct{ state control.State }

func (s still) State() control.State                    { return s.state }
func (still) SetBreak(control.Break) error              { return nil }
func (still) ClearBreak(string) error                   { return nil }
func (still) Hold(int) (*control.Report, error)         { return nil, control.Unknown("hold 9 is over") }
func (still) Step(int) error                            { return nil }
func (still) Continue(int) error                        { return nil }
func (still) Faults() []control.Fault                   { return nil }
func (still) SetFault(control.Fault) error              { return nil }
func (still) ClearFault(string) error                   { return nil }
func (still) Watch(func(control.Event)) (cancel func()) { return func() {} }

func run(t *testing.T, args ...string) (out string, err error) {
	t.Helper()
	cmd := NewCommand()
	var b bytes.Buffer
	cmd.SetOut(&b)
	cmd.SetErr(&b)
	cmd.SetArgs(args)
	err = cmd.ExecuteContext(t.Context())
	return b.String(), err
}

func TestTheCommandsSpeakToAServer(t *testing.T) {
	srv := httptest.NewServer(control.Handler(still{control.State{
		Holds: []control.Hold{{ID: 1, Stage: "wal.save", Until: time.Now().Add(time.Hour)}},
	}}))
	defer srv.Close()
	for args, says := range map[string]string{
		"":                      "#1 · wal.save",
		"--output json":         `"holds":[{"id":1,"stage":"wal.save"`,
		"--wait 1s":             "#1 · wal.save",
		"break wal.save --once": "#1 · wal.save",
		"step 1":                "#1 · wal.save",
		"continue 1":            "#1 · wal.save",
		"continue --all":        "#1 · wal.save",
		"clear wal.save":        "#1 · wal.save",
		"clear --all --lang zh": "停住的请求",
	} {
		out, err := run(t, append(strings.Fields(args), "--endpoint", srv.URL)...)
		if err != nil || !strings.Contains(out, says) {
			t.Errorf("hold %s: %q, %v; want %q", args, out, err, says)
		}
	}
	if _, err := run(t, "show", "9", "--endpoint", srv.URL); err == nil || err.Error() != "hold 9 is over" {
		t.Errorf("show what is over: %v", err)
	}
}

func TestMistakesAreSaidInALine(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for args, says := range map[string]string{
		"":                 "start a server with `glasskv serve --control`",
		"break":            "break takes one stage",
		"break *":          "start a server", // only a server knows its stages
		"--wait -1s":       "--wait -1s: use a time above zero",
		"break a b":        "break takes one stage",
		"show":             "show takes the number of a hold",
		"show first":       `"first" is no number of a hold`,
		"step 0":           `"0" is no number of a hold`,
		"continue":         "continue takes the number of a hold, or --all",
		"continue 1 --all": "continue takes the number of a hold, or --all",
		"clear":            "clear takes a stage, or --all",
		"clear wal.save a": "clear takes a stage, or --all",
	} {
		_, err := run(t, append(strings.Fields(args), "--endpoint", gone.URL)...)
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("hold %s: %v, want %q", args, err, says)
		}
	}
}
