package page

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/source"
	"glasskv/walkthrough/timelinetest"
	"glasskv/walkthrough/walk/tour"
)

const put = `request /etcdserverpb.KV/Put OK 1.14ms observer=client conn=1 new key=greeting
net.request 20us 84us
grpc.handleStream 200us 1000us
raft.propose 300us 396us
wal.save 400us 710us shared=12
wal.sync 402us 704us shared=12
grpc.flush 1000us 1100us
not grpc.handleRawConn connection reused
`

// parse makes a request by hand.
func parse(t testing.TB, text string) *trace.Timeline {
	t.Helper()
	tl, err := timelinetest.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return tl
}

// libraries are slow to make: the go command is asked for what it knows.
var libraries = sync.OnceValues(func() (*source.Library, error) { return source.ForModule(context.Background(), "") })

func library(t testing.TB) *source.Library {
	t.Helper()
	l, err := libraries()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// site is a page as a browser sees it.
type site struct {
	t *testing.T
	*httptest.Server
	client *http.Client
}

func open(t *testing.T, o Options) *site {
	t.Helper()
	if o.Library == nil {
		o.Library = library(t)
	}
	srv := httptest.NewServer(Handler(o))
	t.Cleanup(srv.Close)
	client := srv.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &site{t, srv, client}
}

// answer is a response without its body, which was read.
type answer struct {
	Status     string
	StatusCode int
	Header     http.Header
}

func (s *site) do(req *http.Request) (answer, string) {
	s.t.Helper()
	resp, err := s.client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{resp.Status, resp.StatusCode, resp.Header}, string(body)
}

func (s *site) request(method, target string, body io.Reader) *http.Request {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.URL+target, body)
	if err != nil {
		s.t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return req
}

// get expects a page that is there.
func (s *site) get(target string) string {
	s.t.Helper()
	resp, body := s.do(s.request(http.MethodGet, target, nil))
	if resp.StatusCode != http.StatusOK {
		s.t.Fatalf("GET %s: %s\n%s", target, resp.Status, body)
	}
	return body
}

func contains(t *testing.T, body string, wanted ...string) {
	t.Helper()
	for _, w := range wanted {
		if !strings.Contains(body, w) {
			t.Errorf("no %q", w)
		}
	}
}

const trace1 = "/r/4bf92f3577b34da6a3ce929d0e0e4736"

func TestTheWalkBeginsAtTheFirstStopOfTheNewestRequest(t *testing.T) {
	s := open(t, Options{Shown: []*trace.Timeline{parse(t, put)}})
	resp, _ := s.do(s.request(http.MethodGet, "/?lang=zh", nil))
	if at := resp.Header.Get("Location"); resp.StatusCode != http.StatusSeeOther || at != trace1+"/net.request?lang=zh" {
		t.Errorf("%s, to %s", resp.Status, at)
	}
}

func TestAStopShowsTheRequestTheChapterAndTheSource(t *testing.T) {
	s := open(t, Options{Shown: []*trace.Timeline{parse(t, put)}})
	body := s.get(trace1 + "/wal.sync")
	contains(t, body,
		`<html lang="en"`, "PUT greeting", "1.14 ms", "shared by 12",
		`href="`+trace1+`/wal.sync?lang=en" data-go`, `aria-current="true"`,
		"storage/wal/wal.go", "go.etcd.io/etcd/server/v3@v",
		"5 of 6", "unexplained",
	)
	contains(t, s.get(trace1+"/raft.propose"), `class="line marked"`, `class="t-keyword"`, `class="jumps"`)
	body = s.get(trace1 + "/wal.sync?lang=zh")
	contains(t, body, `<html lang="zh-Hans"`, "12 个请求共用", "未解释")
}

func TestEveryStageHasAPageInBothLanguages(t *testing.T) {
	s := open(t, Options{Shown: []*trace.Timeline{parse(t, put)}})
	for _, spec := range stages.Specs() {
		for _, l := range []lang.Lang{lang.EN, lang.ZH} {
			body := s.get(fmt.Sprintf("/fragment%s/%s?lang=%s", trace1, spec.Name, l))
			contains(t, body, "<code>"+spec.Name+"</code>", "<h2", "<h3")
		}
	}
}

var tag = regexp.MustCompile(`<h([1-6])\b`)

func TestHeadingsAreInOrderAlsoInTheWholeWalk(t *testing.T) {
	s := open(t, Options{Shown: []*trace.Timeline{parse(t, put)}, Control: &desk{}})
	for _, target := range []string{"/wal.sync", "/wal.sync?print=all", "/wal.sync?lang=zh"} {
		before := byte('0')
		for _, m := range tag.FindAllStringSubmatch(s.get(trace1+target), -1) {
			if m[1][0] > before+1 {
				t.Errorf("%s: h%s below h%c", target, m[1], before)
			}
			before = m[1][0]
		}
	}
	whole := s.get(trace1 + "/wal.sync?print=all")
	if strings.Contains(whole, "data-steer") {
		t.Error("there are buttons on paper")
	}
	if n := strings.Count(whole, "<article"); n != 6 {
		t.Errorf("%d stops are printed, 6 there are", n)
	}
}

func TestWhatAClientSentIsText(t *testing.T) {
	hostile := parse(t, put)
	hostile.Attributes[trace.AttrKey] = "<script>alert(1)</script>\u202e\x1b[2J"
	hostile.Message = `"><img src=x onerror=alert(2)>`
	hostile.Code = "<b>"
	hostile.Stages[0].Attributes = map[string]string{trace.AttrError: "<i>oops</i>"}
	hostile.Stages = append(hostile.Stages, trace.StageTime{Stage: "<u>foreign</u>", EndNS: 5})
	s := open(t, Options{Shown: []*trace.Timeline{hostile}})
	for _, target := range []string{"/wal.sync", "/net.request", "/wal.sync?print=all", "/wal.sync?lang=zh"} {
		body := s.get(trace1 + target)
		for _, bad := range []string{"<script>alert", "<img src=x", "<i>oops", "<u>", "<b>\"", "\u202e", "\x1b"} {
			if strings.Contains(body, bad) {
				t.Errorf("%s has %q", target, bad)
			}
		}
	}
	contains(t, html.UnescapeString(s.get(trace1+"/wal.sync")), `<script>alert(1)</script>\u202e\x1b[2J`)
}

func TestOnlySourceThatAChapterNamesIsShown(t *testing.T) {
	s := open(t, Options{Shown: []*trace.Timeline{parse(t, put)}})
	query := func(symbol string) string { return trace1 + "/wal.sync?" + url.Values{"symbol": {symbol}}.Encode() }
	contains(t, s.get(query("go.etcd.io/etcd/server/v3/storage/wal.(*WAL).sync")), `data-kind="back"`)
	for _, symbol := range []string{"os.ReadFile", "../../../etc.passwd", "glasskv/trace.New"} {
		if resp, _ := s.do(s.request(http.MethodGet, query(symbol), nil)); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", symbol, resp.Status)
		}
	}
}

func TestMissingSourceSaysWhatToRun(t *testing.T) {
	nowhere := source.New(source.Places{Cache: t.TempDir(), Versions: map[string]string{"go.etcd.io/etcd/server/v3": "v3.7.3"}})
	s := open(t, Options{Shown: []*trace.Timeline{parse(t, put)}, Library: nowhere})
	contains(t, s.get(trace1+"/wal.sync"), "go mod download go.etcd.io/etcd/server/v3@v3.7.3", "<h3")
}

// workshop makes requests without a server.
type workshop struct {
	t    *testing.T
	made []string
}

func (w *workshop) Do(_ context.Context, name string) (*trace.Timeline, error) {
	if name != "put" {
		return nil, errors.New("no request " + name)
	}
	w.made = append(w.made, name)
	tl := parse(w.t, put)
	tl.TraceID = fmt.Sprintf("%032d", len(w.made))
	return tl, nil
}

func (*workshop) Last(context.Context, int) ([]*trace.Timeline, error) { return nil, nil }

func (w *workshop) Get(context.Context, string) (*trace.Timeline, error) {
	return nil, errors.New("the server has gone away")
}

func TestTheButtonMakesARequestAndStaysAtTheStage(t *testing.T) {
	live := &workshop{t: t}
	s := open(t, Options{Live: live, Kinds: []tour.Request{{Name: "put"}}, Shown: []*trace.Timeline{parse(t, put)}})
	contains(t, s.get(trace1+"/wal.sync"), `action="/make"`, `name="stage" value="wal.sync"`)
	form := func() io.Reader { return strings.NewReader("request=put&stage=wal.sync&lang=zh") }
	resp, _ := s.do(s.request(http.MethodPost, "/make", form()))
	at := resp.Header.Get("Location")
	if want := "/r/00000000000000000000000000000001/wal.sync?lang=zh&made=put"; resp.StatusCode != http.StatusSeeOther || at != want {
		t.Fatalf("%s, to %q, want %q", resp.Status, at, want)
	}
	contains(t, s.get(at), "1.14 ms", `<option value="put" title="" selected>`)
	contains(t, s.get("/requests"+at), "/r/00000000000000000000000000000001/", trace1)

	foreign := s.request(http.MethodPost, "/make", form())
	foreign.Header.Set("Origin", "https://elsewhere.example")
	if resp, _ := s.do(foreign); resp.StatusCode != http.StatusForbidden {
		t.Errorf("from another site: %s", resp.Status)
	}
	resp, body := s.do(s.request(http.MethodPost, "/make", strings.NewReader("request=nothing")))
	if resp.StatusCode != http.StatusBadGateway || !strings.Contains(body, "no request nothing") {
		t.Errorf("an error: %s %s", resp.Status, body)
	}
	resp, body = s.do(s.request(http.MethodGet, "/r/00000000000000000000000000000009/wal.sync", nil))
	if resp.StatusCode != http.StatusBadGateway || !strings.Contains(body, "gone away") {
		t.Errorf("an unknown one, the server being away: %s %s", resp.Status, body)
	}
	if len(live.made) != 1 {
		t.Errorf("%d requests were made", len(live.made))
	}
}

func TestSavedRequestsHaveNoButton(t *testing.T) {
	s := open(t, Options{Shown: []*trace.Timeline{parse(t, put), parse(t, put)}})
	body := s.get(trace1 + "/wal.sync")
	if strings.Contains(body, "/make") {
		t.Error("there is a button")
	}
	contains(t, body, trace1+".2/") // two requests of one trace are two walks
	if resp, _ := s.do(s.request(http.MethodPost, "/make", strings.NewReader("request=put"))); resp.StatusCode != http.StatusConflict {
		t.Errorf("make: %s", resp.Status)
	}
}

var sequence = regexp.MustCompile(`38;2;(\d+);(\d+);(\d+)`)

func TestKindsHaveTheTerminalsColours(t *testing.T) {
	css, err := staticFiles.ReadFile("static/page.css")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []stages.Kind{stages.KindWork, stages.KindQueue, stages.KindDisk, stages.KindNetwork, stages.KindConsensus, stages.KindHeld, stages.KindNone} {
		m := sequence.FindStringSubmatch(screen.RoleOf(k).Paint("x"))
		if m == nil {
			t.Fatalf("%s has no colour on a terminal", class(k))
		}
		var r, g, b int
		if _, err := fmt.Sscan(strings.Join(m[1:], " "), &r, &g, &b); err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("--%s: #%02x%02x%02x;", class(k), r, g, b); !strings.Contains(string(css), want) {
			t.Errorf("the style has no %s", want)
		}
	}
}
