package command

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"glasskv/trace"
	"glasskv/walkthrough/timelinetest"
)

// server stands for a running server's trace endpoint: it has three requests,
// the last of them the fastest.
func server(t *testing.T) string {
	t.Helper()
	var kept []*trace.Timeline // the last one first
	for i, took := range []string{"100us", "900us", "500us"} {
		tl, err := timelinetest.Parse(fmt.Sprintf("request /etcdserverpb.KV/Put OK %s conn=1 key=k%d\ngrpc.handleStream 0us %s", took, i, took))
		if err != nil {
			t.Fatal(err)
		}
		tl.TraceID = fmt.Sprintf("%032x", i+1)
		kept = append(kept, tl)
	}
	slowest := []*trace.Timeline{kept[1], kept[2], kept[0]}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/requests", func(w http.ResponseWriter, r *http.Request) {
		list, n := kept, r.URL.Query().Get("last")
		if s := r.URL.Query().Get("slowest"); s != "" {
			list, n = slowest, s
		}
		count, err := strconv.Atoi(n)
		if err != nil {
			t.Errorf("asked for %q", r.URL)
		}
		for _, tl := range list[:min(count, len(list))] {
			if err := json.NewEncoder(w).Encode(tl); err != nil {
				t.Error(err)
			}
		}
	})
	mux.HandleFunc("GET /v1/requests/{id}", func(w http.ResponseWriter, r *http.Request) {
		for _, tl := range kept {
			if tl.TraceID == r.PathValue("id") {
				if err := json.NewEncoder(w).Encode(map[string]any{"timeline": tl}); err != nil {
					t.Error(err)
				}
				return
			}
		}
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprintln(w, `{"error":"no such request"}`)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}

// keys returns the keys of the requests in an output of one object a line.
func keys(t *testing.T, out string) (all []string) {
	t.Helper()
	for line := range strings.Lines(out) {
		var tl trace.Timeline
		if err := json.Unmarshal([]byte(line), &tl); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		all = append(all, tl.Attributes[trace.AttrKey])
	}
	return all
}

func TestTimelineShowsARunningServersRequests(t *testing.T) {
	url := server(t)
	for args, want := range map[string]string{
		"":                                 "k0",
		"--last 2":                         "k1 k0", // in the order in which they happened
		"--slowest 2":                      "k1 k2", // the slowest first
		"00000000000000000000000000000003": "k2",
	} {
		out, _, err := run(t, NewTimelineCommand(), append(strings.Fields(args), "--endpoint", url, "--output", "json")...)
		if err != nil {
			t.Errorf("timeline %s: %v", args, err)
			continue
		}
		if got := strings.Join(keys(t, out), " "); got != want {
			t.Errorf("timeline %s shows %s, want %s", args, got, want)
		}
	}
}

func TestTimelineDrawsARuleBetweenTwoRequests(t *testing.T) {
	out, _, err := run(t, NewTimelineCommand(), "--last", "3", "--endpoint", server(t), "--lang", "en", "--width", "80")
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out, strings.Repeat("─", 80)); n != 2 {
		t.Errorf("%d rules between three requests:\n%s", n, out)
	}
	if !strings.Contains(out, "PUT k0   OK   100 µs") {
		t.Error(out)
	}
}

func TestTimelineSumsUp(t *testing.T) {
	url := server(t)
	out, _, err := run(t, NewTimelineCommand(), "--last", "3", "--summary", "--endpoint", url, "--lang", "en")
	if err != nil || !strings.Contains(out, "3 requests") {
		t.Errorf("%v\n%s", err, out)
	}
	out, _, err = run(t, NewTimelineCommand(), "--last", "3", "--summary", "--endpoint", url, "--output", "json")
	if err != nil || !strings.Contains(out, `"stage":"total","count":3`) {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestTimelineReadsAFileOfAnotherProgram(t *testing.T) {
	const file = "testdata/foreign.json"
	out, _, err := run(t, NewTimelineCommand(), file, "--lang", "en")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"checkout", "cart.load", "13.4 ms", "search"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
	out, _, err = run(t, NewTimelineCommand(), file, "--slowest", "1", "--output", "json")
	if err != nil || strings.Count(out, "\n") != 1 || !strings.Contains(out, "cart.load") {
		t.Errorf("%v\n%s", err, out)
	}
	out, _, err = run(t, NewTimelineCommand(), file, "--last", "1", "--output", "json")
	if err != nil || strings.Count(out, "\n") != 1 || !strings.Contains(out, "search") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestTimelineSaysWhatIsWrongWithAFile(t *testing.T) {
	whole, err := os.ReadFile("testdata/foreign.json")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, path := range []string{
		write("empty", nil), write("binary", []byte("\x00\x01\x02\x03")), write("words", []byte("not a trace")),
		filepath.Join(dir, "absent"),
	} {
		out, _, err := run(t, NewTimelineCommand(), path)
		if err == nil || out != "" || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, printed %q", filepath.Base(path), err, out)
		}
	}
	out, side, err := run(t, NewTimelineCommand(), write("cut", whole[:len(whole)-200]), "--lang", "en")
	if err != nil || !strings.Contains(out, "checkout") || !strings.Contains(side, "cut: ") {
		t.Errorf("a file that is cut short: %v\n%s\n%s", err, out, side)
	}
}

func TestTimelineSaysWhatCanBeDone(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	url := server(t)
	for args, want := range map[string]string{
		"--endpoint " + nobody: "start a server with `glasskv serve`",
		"--endpoint " + url + " ffffffffffffffffffffffffffffffff": "keeps its last and its slowest",
		"--endpoint 127.0.0.1:2378":                               "want a URL, such as http://127.0.0.1:2378",
		"--last -1":                                               "above zero",
		"--slowest 0":                                             "above zero",
		"--last 1 --slowest 1":                                    "exclude each other",
		"--last 1 00000000000000000000000000000001":               "names one request",
		"one two": "one trace ID or one file",
	} {
		out, _, err := run(t, NewTimelineCommand(), strings.Fields(args)...)
		if err == nil || !strings.Contains(err.Error(), want) || out != "" {
			t.Errorf("timeline %s: %v, printed %q; want %q", args, err, out, want)
		}
	}
}

func TestTimelineOfAServerThatHasSeenNothing(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	out, _, err := run(t, NewTimelineCommand(), "--endpoint", s.URL, "--lang", "en")
	if err != nil || out != "No request has finished yet.\n" {
		t.Errorf("%v, %q", err, out)
	}
}
