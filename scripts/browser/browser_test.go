package browser

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"go.uber.org/zap"

	"glasskv/server/control"
	"glasskv/trace"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/page"
	"glasskv/walkthrough/source"
	"glasskv/walkthrough/walk/tour"
)

// timeout bounds each test; it is far more than any of them takes.
const timeout = 2 * time.Minute

// patience is how long something may take to show.
const patience = time.Minute

// lookAgain is how often a condition is looked at.
const lookAgain = 10 * time.Millisecond

// inChromium asks for a test that takes twenty seconds of both cores.
var inChromium = flag.Bool("chromium", false, "look at the page in Chromium, which must be installed")

// chromium finds the browser.
func chromium(t *testing.T) string {
	t.Helper()
	if !*inChromium {
		t.Skip("takes a browser: run it with -chromium")
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("no chromium: install it")
	return ""
}

// tab is one page of the browser.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu         sync.Mutex
	complaints []string // errors of scripts, of the policy, of the network
	bytes      map[network.RequestID]float64
}

// launch starts the browser, with a profile of its own, until the test ends.
func launch(t *testing.T) *tab {
	t.Helper()
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(chromium(t)), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(profile(t)),
		chromedp.WSURLReadTimeout(patience),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
	)
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	b := &tab{t: t, bytes: make(map[network.RequestID]float64)}
	b.ctx, cancel = chromedp.NewContext(ctx, chromedp.WithListener(b.hear))
	t.Cleanup(cancel)
	if err := chromedp.Do(b.ctx); err != nil { // the first one starts it, and its context ends it
		t.Fatalf("start chromium: %v", err)
	}
	const watch = `shifted = []; new PerformanceObserver(list => {
		for (const e of list.getEntries()) shifted.push({value: e.value, what: e.sources.map(s => s.node?.className || s.node?.nodeName).join()})
	}).observe({type: 'layout-shift', buffered: true})`
	_, err := chromedp.Call(b.ctx, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: watch})
	b.check("watch for shifts", err)
	_, err = chromedp.Call(b.ctx, network.SetCacheDisabled, network.SetCacheDisabledParams{CacheDisabled: true})
	b.check("load everything each time", err)
	// Without a window system nothing gives the page the focus; what has it would not show it.
	_, err = chromedp.Call(b.ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	b.check("have the focus", err)
	return b
}

// profile is a folder for the browser's own files. Its processes may still write
// there when it has been told to end, so nobody complains if it cannot be removed.
func profile(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "glasskv-browser-") //nolint:usetesting // t.TempDir fails when the browser is still writing
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// hear notes what the browser complains about.
func (b *tab) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	complain := func(what, text string) { b.complaints = append(b.complaints, what+": "+text) }
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		complain("exception", e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "warning" {
			complain("console", fmt.Sprint(e.Args))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == "error" || e.Entry.Level == "warning" {
			complain(string(e.Entry.Source), e.Entry.Text)
		}
	case *network.EventLoadingFailed:
		if !e.Canceled {
			complain("network", e.ErrorText)
		}
	case *network.EventResponseReceived:
		if e.Response.Status >= 400 {
			complain("network", fmt.Sprintf("%s: %d", e.Response.URL, e.Response.Status))
		}
	case *network.EventLoadingFinished:
		b.bytes[e.RequestID] = e.EncodedDataLength
	}
}

// calm fails the test for every complaint so far.
func (b *tab) calm() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.complaints {
		b.t.Error(c)
	}
	b.complaints = nil
}

// forget drops the complaints so far, which the test wanted.
func (b *tab) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.complaints = nil
}

// story runs a part of the test, in which the browser must have nothing to complain
// about.
func (b *tab) story(name string, tell func()) {
	parent := b.t
	defer func() { b.t = parent }()
	parent.Run(name, func(t *testing.T) {
		b.t = t
		tell()
		b.calm()
	})
}

func (b *tab) check(what string, err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
}

// do carries out steps.
func (b *tab) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, timeout)
	defer cancel()
	b.check(what, chromedp.Do(ctx, steps...))
}

func (b *tab) open(url string) { b.t.Helper(); b.do("open "+url, chromedp.Navigate(url)) }

// press presses keys one after the other, each as a whole: the page may keep it from
// being typed.
func (b *tab) press(keys string) {
	b.t.Helper()
	for _, r := range keys {
		var text string
		events := kb.Encode(r)
		for _, e := range events {
			text = cmp.Or(text, e.Text)
		}
		for _, e := range events {
			switch e.Type {
			case input.DispatchKeyEventTypeChar:
				continue // it is part of the key's going down
			case input.DispatchKeyEventTypeRawKeyDown, input.DispatchKeyEventTypeKeyDown:
				e.Type, e.Text = input.DispatchKeyEventTypeKeyDown, text
			}
			_, err := chromedp.Call(b.ctx, input.DispatchKeyEvent, *e)
			b.check("press "+keys, err)
		}
	}
}

func (b *tab) click(selector string) {
	b.t.Helper()
	b.do("click "+selector, chromedp.Click(chromedp.CSS(selector)))
}

// size sets how large the window is.
func (b *tab) size(width, height int64) {
	b.t.Helper()
	b.do("size", chromedp.EmulateViewport(width, height))
}

// media sets for which medium, and in which colours, the page is drawn.
func (b *tab) media(medium, scheme string) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Media: medium, Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	b.check("media", err)
}

// ask evaluates an expression, which may be a promise, to what JSON can hold.
func ask[T any](b *tab, expression string) (value T) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, timeout)
	defer cancel()
	wrapped := "Promise.resolve(" + expression + ").then(v => JSON.stringify(v ?? null))"
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](wrapped, chromedp.EvalAwaitPromise))
	b.check(expression, err)
	b.check(expression, json.Unmarshal([]byte(text), &value))
	return value
}

// until waits for a condition of the page, also of the one that is being loaded.
func (b *tab) until(condition string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	for {
		_, err := chromedp.Run(ctx, chromedp.Poll[bool](condition, chromedp.WithPollingTimeout(patience), chromedp.WithPollingInterval(lookAgain)))
		if err == nil {
			return
		}
		if gone := strings.Contains(err.Error(), "context with") || strings.Contains(err.Error(), "navigated"); !gone || ctx.Err() != nil {
			b.t.Fatalf("never came true: %s: %v", condition, errors.Join(err, b.where()))
		}
		// The page that was asked has gone, and another one comes.
	}
}

func (b *tab) where() error {
	url, err := chromedp.Run(b.ctx, chromedp.Location())
	return errors.Join(err, fmt.Errorf("at %s", url))
}

// mostShift is how much may move, as browsers count it: the part of the window times
// how far.
const mostShift = 0.01

// steady fails the test when things moved that the reader did not move.
func (b *tab) steady() {
	b.t.Helper()
	type shift struct {
		Value float64
		What  string
	}
	sum := 0.0
	shifts := ask[[]shift](b, "shifted")
	for _, s := range shifts {
		sum += s.Value
	}
	if sum >= mostShift {
		b.t.Errorf("the layout shifted by %.4f: %v", sum, shifts)
	}
}

// hostileKey is what a client may write: were it not escaped, it would run.
const hostileKey = "</title><script>hacked=1</script><img src=x onerror=hacked=2>\u202e"

// site serves the page of a request that was really made, on a server that can make
// more of them. The second request has a key that wants to be a script.
func site(t *testing.T) string {
	t.Helper()
	live, err := tour.Start(t.Context(), tour.LiveOptions{Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := live.Close(); err != nil {
			t.Errorf("stop the server: %v", err)
		}
	})
	put, err := live.Do(t.Context(), "put")
	other, otherErr := live.Do(t.Context(), "get")
	if err := errors.Join(err, otherErr); err != nil {
		t.Fatal(err)
	}
	other.TraceID, other.Attributes[trace.AttrKey], other.Message = hostileID, hostileKey, hostileKey
	library, err := source.ForModule(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(page.Handler(page.Options{
		Lang: lang.EN, Library: library, Live: live, Kinds: tour.Requests(), Shown: []*trace.Timeline{put, other},
		Control: control.Local(live.Server().Observer().Steering()),
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

const hostileID = "00000000000000000000000000000bad"
