package browser

import (
	_ "embed"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

var pictures = flag.String("pictures", "", "a folder to leave pictures in")

//go:embed audit.js
var audit string

// settings are the windows, colours and languages in which the page is measured.
var settings = []struct {
	name          string
	width, height int64
	scheme, lang  string
	stage         string
}{
	{"wide-light", 1280, 800, "light", "en", "wal.sync"},
	{"wide-dark", 1280, 800, "dark", "en", "grpc.handleStream"},
	{"wide-zh", 1280, 800, "light", "zh", "wal.sync"},
	{"wide-zh-dark", 1280, 800, "dark", "zh", "raft.propose"},
	{"small", 800, 600, "light", "en", "raft.waitReady"},
	{"small-dark", 800, 600, "dark", "en", "wal.save"},
	{"phone", 400, 800, "light", "en", "grpc.flush"},
	{"phone-zh", 400, 800, "dark", "zh", "wal.sync"},
	{"projector", 1920, 1080, "light", "en", "wal.sync"},
}

// looks measures the stops of a request, which is at base.
func (b *tab) looks(base string) {
	b.story("the first view is small", func() { b.weight(base + "wal.sync") })
	for _, s := range settings {
		b.story(s.name, func() {
			b.size(s.width, s.height)
			b.media("", s.scheme)
			b.open(base + s.stage + "?lang=" + s.lang)
			b.picture(s.name)
			b.measure()
			b.steady()
		})
	}
	b.size(1280, 800)
	b.media("", "light")
	b.story("everything is reached by Tab", func() { b.tabs(base + "wal.sync") })
	b.story("dialogs", func() {
		b.open(base + "wal.sync")
		b.press("?")
		b.picture("help")
		b.press(kb.Escape)
		b.until(`!document.querySelector('#help').open`)
		b.press("/")
		b.until(`document.querySelectorAll('#found li').length > 60`)
		b.picture("search")
		b.measure()
	})
}

// measure fails the test for whatever the audit finds on the page as it is now.
func (b *tab) measure() {
	b.t.Helper()
	for _, problem := range ask[[]string](b, audit) {
		b.t.Error(problem)
	}
}

// weight adds up what the browser loads for a first view.
func (b *tab) weight(url string) {
	b.open("about:blank")
	b.mu.Lock()
	clear(b.bytes)
	b.mu.Unlock()
	b.open(url)
	total := 0.0
	b.mu.Lock()
	for _, n := range b.bytes {
		total += n
	}
	b.mu.Unlock()
	const most = 300 << 10
	if total == 0 || total > most {
		b.t.Errorf("%.0f bytes, at most %d", total, most)
	}
	b.t.Logf("first view: %.1f KiB", total/1024)
}

// tabs presses Tab until it is where it began, and compares what had the focus with
// what can be clicked.
func (b *tab) tabs(url string) {
	b.open(url)
	want := ask[int](b, `(window.unseen = new Set([...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')]
		.filter(e => e.type != 'hidden' && e.checkVisibility({visibilityProperty: true})))).size`)
	const step = `(() => {
		const e = document.activeElement, style = getComputedStyle(e);
		unseen.delete(e);
		return e == document.body || style.outlineStyle != 'none' && parseFloat(style.outlineWidth) >= 2 ? '' : e.outerHTML.slice(0, 120);
	})()`
	for range want + 3 {
		b.press(kb.Tab)
		if invisible := ask[string](b, step); invisible != "" {
			b.t.Errorf("has the focus and does not show it: %s", invisible)
		}
	}
	for _, missed := range ask[[]string](b, `[...unseen].map(e => e.outerHTML.slice(0, 120))`) {
		b.t.Errorf("not reached: %s", missed)
	}
	b.t.Logf("%d things to reach", want)
}

// picture keeps what the page looks like, for people.
func (b *tab) picture(name string) {
	b.t.Helper()
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	b.check("picture", err)
	if len(png) < 10<<10 {
		b.t.Errorf("a picture of %d bytes is empty", len(png))
	}
	if *pictures == "" {
		return
	}
	b.check("pictures", os.MkdirAll(*pictures, 0o755))
	b.check("picture", os.WriteFile(filepath.Join(*pictures, name+".png"), png, 0o644))
	fmt.Println(filepath.Join(*pictures, name+".png"))
}
