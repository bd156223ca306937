package lesson

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"glasskv/trace/record"
	"glasskv/walkthrough/lang"
)

func tiny(t *testing.T) *Lesson {
	t.Helper()
	l, err := LoadFile("testdata/tiny")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestPredictionsAreComparedWithWhatHappened(t *testing.T) {
	for _, c := range []struct {
		name, typed string
		want        []string
		not         string
	}{
		{"right", "5\n2\n", []string{"You said 5, and so it was.", "You said 2, and so it was."}, ""},
		{"with its unit", "5 fsyncs\n2\n", []string{"You said 5, and so it was."}, "no answer"},
		{"wrong", "16\n1\n", []string{"You said 16, it was 5 fsyncs", "You said 1, it was 2) no"}, ""},
		{"not an answer", "many\n5\n3\n2\n", []string{"That is no answer to this.", "You said 5, and so it was.", "You said 2, and so it was."}, ""},
		{"none", "\n\n", []string{"It was 5 fsyncs", "It was 2) no"}, "You said"},
		{"the input ends", "", []string{"It was 5 fsyncs", "It was 2) no"}, "You said"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, text := play(t, tiny(t), Options{In: strings.NewReader(c.typed)})
			for _, want := range c.want {
				if !strings.Contains(text, want) {
					t.Errorf("no %q in\n%s", want, text)
				}
			}
			if c.not != "" && strings.Contains(text, c.not) {
				t.Errorf("%q in\n%s", c.not, text)
			}
		})
	}
}

func TestWhatIsTypedBehindALessonIsForTheNext(t *testing.T) {
	typed := strings.NewReader("5\n2\n\n16\n1\n\n")
	for _, want := range []string{"You said 5,", "You said 16,"} {
		if _, text := play(t, tiny(t), Options{In: typed}); !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if typed.Len() > 0 {
		t.Errorf("%d bytes were not read", typed.Len())
	}
}

func TestAClaimThatDoesNotHoldIsToldWithItsPlace(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	out, err := execute("--file", "testdata/wrong.yaml", "--auto", "--lang", "en")
	const want = "testdata/wrong.yaml:10: the run did not show `writes.batches(\"wal.sync\") > writes.count`: 3 writes, 3 fsyncs."
	if err == nil || err.Error() != want {
		t.Errorf("error %v\nwant  %s", err, want)
	}
	if !strings.Contains(out, "✘ 3 writes, 3 fsyncs.") || !strings.Contains(out, "✔ All 3 were fine.") {
		t.Errorf("%s", out)
	}
}

func TestAsJSONEveryStepIsALineAndNobodyIsAsked(t *testing.T) {
	_, text := play(t, tiny(t), Options{}, "--output", "json")
	var kinds []string
	var last Event
	for line := range strings.Lines(text) {
		last = Event{}
		if err := json.Unmarshal([]byte(line), &last); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		kinds = append(kinds, last.Kind)
		switch last.Kind {
		case "do":
			if got := last.Results["writes"]; got.Count != 5 || got.OK != 5 || got.Fsyncs != 5 || got.P50NS <= 0 {
				t.Errorf("%+v", got)
			}
		case "show":
			if last.Timeline == nil || last.Timeline.Stage("wal.sync") == nil {
				t.Errorf("no timeline in %s", line)
			}
		case "measure":
			if last.Values["twice"] != 10 {
				t.Errorf("measured %v", last.Values)
			}
		}
	}
	if got, want := strings.Join(kinds, " "), "say ask ask do reveal reveal measure show claim claim point chapter end"; got != want {
		t.Errorf("steps %s\nwant  %s", got, want)
	}
	if last.Claims != 2 || last.Held != 2 {
		t.Errorf("the end: %+v", last)
	}
}

// leaver is a writer whose reader leaves with the first words.
type leaver struct{ leave func() }

func (l leaver) Write(b []byte) (int, error) {
	l.leave()
	return len(b), nil
}

func TestInterruptedItTidiesUp(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if _, err := Play(ctx, leaver{cancel}, tiny(t), Options{Auto: true, Show: shown(t)}); !errors.Is(err, context.Canceled) {
		t.Errorf("it went on: %v", err)
	}
	wantEmpty(t, dir)
}

// A question is not answered, and the lesson is interrupted.
func TestAPredictionCanBeInterrupted(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	in, typing, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer typing.Close()
	asked := &until{text: "your prediction", then: cancel}
	if _, err := Play(ctx, asked, tiny(t), Options{In: in, Show: shown(t)}); !errors.Is(err, context.Canceled) {
		t.Errorf("it went on: %v", err)
	}
	wantEmpty(t, dir)
}

// until is a writer that does something when a text has been written.
type until struct {
	text string
	then func()
	got  bytes.Buffer
}

func (u *until) Write(b []byte) (int, error) {
	n, err := u.got.Write(b)
	if strings.Contains(u.got.String(), u.text) {
		u.then()
	}
	return n, err
}

// A client that takes its time is not the server's affair: bytes on the line arrive
// later, both ways, and in their order.
func TestALongLineDelaysBothWays(t *testing.T) {
	const delay = 30 * time.Millisecond
	l := &Lesson{Name: "line", Steps: []*Step{{Do: &Requests{Name: "far", Op: "put", Link: delay, Count: 3}}}}
	l.Steps[0].Do.fill()
	if err := l.Steps[0].Do.check(); err != nil {
		t.Fatal(err)
	}
	l.Steps[0].kind = "do"
	p := &player{Options: Options{Auto: true, Show: shown(t)}, lesson: l, out: &bytes.Buffer{}, routes: map[routeKey]*route{}, records: map[string]*record.Record{}, known: newScope(lang.EN)}
	t.Setenv("TMPDIR", t.TempDir())
	if err := p.startServer(t.Context(), Server{}); err != nil {
		t.Fatal(err)
	}
	err := p.makeRequests(t.Context(), l.Steps[0])
	if err := errors.Join(err, p.stopServer()); err != nil {
		t.Fatal(err)
	}
	far := p.known["far"].(*Result)
	if far.OK != 3 || far.Least() < float64(2*delay) {
		t.Errorf("%d arrived, the quickest after %v", far.OK, time.Duration(far.Least()))
	}
	if there, back := far.Least("net.request"), far.Least("net.reply"); there < float64(delay)/2 || back < float64(delay)/2 {
		t.Errorf("%v there, %v back", time.Duration(there), time.Duration(back))
	}
}
