package walk

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/walkthrough/walk/tour"
)

// longRequest has 200 stages: what one request passes, over and over, as the parts of
// a lock do.
func longRequest(t testing.TB) *trace.Timeline {
	var b strings.Builder
	b.WriteString("request /v3lockpb.Lock/Lock OK 10ms observer=client conn=1 key=greeting\n")
	specs := stages.Specs()
	for i := range 200 {
		begin := i * 50
		fmt.Fprintf(&b, "%s %dus %dus in=level%d\n", specs[i%len(specs)].Name, begin, begin+40, i/len(specs))
	}
	return parse(t, b.String())
}

// A reader goes through a request of 200 stages, all keys mixed. What counts is the
// time from the key to the drawn screen: Update and View. Source is cut by commands,
// beside it; here they run in between, and are not counted.
func BenchmarkKeyPress(b *testing.B) {
	for _, size := range []tea.WindowSizeMsg{{Width: 80, Height: 24}, {Width: 200, Height: 60}} {
		b.Run(fmt.Sprintf("%dx%d", size.Width, size.Height), func(b *testing.B) { benchmarkKeys(b, size) })
	}
}

func benchmarkKeys(b *testing.B, size tea.WindowSizeMsg) {
	m := newModel(b.Context(), newOptions(b.Context(), b), []*trace.Timeline{longRequest(b)})
	if got := len(m.tour.Stops); got != 200 {
		b.Fatalf("%d stops", got)
	}
	m.Update(size)
	keys := []string{"right", "right", "tab", "down", "pgdown", "]", "left", "o", "esc", "/", "s", "esc", "l", "c", "backspace", "G", "g", "s"}
	random := rand.New(rand.NewPCG(1, 2))
	var took []time.Duration
	for b.Loop() {
		key := keyPress(keys[random.IntN(len(keys))])
		begin := time.Now()
		_, cmd := m.Update(key)
		_ = m.View()
		took = append(took, time.Since(begin))
		b.StopTimer()
		runAll(m, cmd)
		b.StartTimer()
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "max-ms")
}

func runAll(m *model, cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	switch msg := cmd().(type) {
	case tea.BatchMsg:
		for _, c := range msg {
			runAll(m, c)
		}
	case tea.QuitMsg, nil:
	default:
		_, next := m.Update(msg)
		_ = m.View()
		runAll(m, next)
	}
}

// The source of a stop that nobody has looked at: upstream's file is read and parsed.
// It happens beside the keys; this is how long "reading the source" stands there.
func BenchmarkFirstLookAtSource(b *testing.B) {
	t := longRequest(b)
	for b.Loop() {
		b.StopTimer()
		o := newOptions(b.Context(), b) // a library that has read nothing
		w := tour.New(t, o.Library)
		q := w.Stops[w.Index(stages.ProcessRPC)].Quotes("en")[0]
		b.StartTimer()
		if _, err := w.Excerpt(q); err != nil {
			b.Fatal(err)
		}
	}
}

// A file of 100,000 spans, 2,500 requests of 40, is opened to the point where the
// list of requests is on the screen.
func BenchmarkOpen100kSpans(b *testing.B) {
	file := filepath.Join(b.TempDir(), "traces.json")
	writeSpans(b, file, 2500, 40)
	info, err := os.Stat(file)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(info.Size())
	for b.Loop() {
		o := newOptions(b.Context(), b)
		o.Trace, o.Err = file, os.Stderr
		from, err := o.find(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		if len(from.requests) != 2500 {
			b.Fatalf("%d requests", len(from.requests))
		}
		m := newModel(b.Context(), o, from.requests)
		m.Update(tea.WindowSizeMsg{Width: 80, Height: 24})
		_ = m.View()
	}
}

// The same number of spans in one trace, of another program.
func BenchmarkOpen100kSpansOfOneTrace(b *testing.B) {
	file := filepath.Join(b.TempDir(), "traces.json")
	writeSpans(b, file, 1, 100_000)
	for b.Loop() {
		o := newOptions(b.Context(), b)
		o.Trace, o.Err = file, os.Stderr
		from, err := o.find(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		m := newModel(b.Context(), o, from.requests)
		m.Update(tea.WindowSizeMsg{Width: 80, Height: 24})
		_ = m.View()
	}
}

// writeSpans writes OTLP/JSON, a request a line: a root and its children, named after
// the stages.
func writeSpans(t testing.TB, file string, requests, spans int) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	specs := stages.Specs()
	for r := range requests {
		fmt.Fprint(f, `{"resourceSpans":[{"scopeSpans":[{"spans":[`)
		for i := range spans {
			name, parent, sep := specs[i%len(specs)].Name, fmt.Sprintf("%016x", 1), ","
			if i == 0 {
				name, parent, sep = "etcdserverpb.KV/Put", "", ""
			}
			begin := 1_772_637_377_000_000_000 + int64(r)*1e7 + int64(i)*1000
			end := begin + 900
			if i == 0 {
				end = begin + int64(spans)*1000
			}
			fmt.Fprintf(f, `%s{"traceId":"%032x","spanId":"%016x","parentSpanId":"%s","name":"%s","startTimeUnixNano":"%d","endTimeUnixNano":"%d"}`,
				sep, r+1, i+1, parent, name, begin, end)
		}
		fmt.Fprintln(f, `]}]}]}`)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
