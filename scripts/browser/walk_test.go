package browser

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// current is the stop that is shown, and the row that is marked for it.
const (
	current = `document.querySelector('#stop .stop').dataset.slug`
	marked  = `decodeURIComponent(document.querySelector('a.row[aria-current]').pathname.split('/').pop())`
)

func TestTheWalkInABrowser(t *testing.T) {
	b := launch(t)
	at := site(t)
	b.size(1280, 800)
	b.open(at)
	first := ask[string](b, `location.href.replace(/[^/]*$/, "")`)
	b.story("click through a whole request", func() { b.clickThrough(at) })
	b.story("the same with keys alone", func() { b.keysAlone(at) })
	b.story("search and help", func() { b.dialogs(at) })
	b.story("addresses, back and forward", func() { b.addresses(at) })
	b.story("another request is made", func() { b.another(at) })
	b.story("a request is held, stepped and let go", func() { b.held(at) })
	b.story("a fault is switched on and off", func() { b.faulty(at) })
	b.story("what goes wrong is said", func() { b.wrong(at) })
	b.story("English and Chinese", func() { b.languages(at) })
	b.story("light and dark", func() { b.themes(at) })
	b.story("what a client sent does not run", func() { b.hostile(at) })
	b.story("on paper", func() { b.paper(at) })
	b.looks(first)
}

// clickThrough goes from the first stop to the last by the link to the next one.
func (b *tab) clickThrough(at string) {
	b.open(at)
	stops := ask[int](b, `document.querySelectorAll('a.row').length`)
	if stops < 20 {
		b.t.Fatalf("%d stops", stops)
	}
	for i := 1; ; i++ {
		slug := ask[string](b, current)
		if row := ask[string](b, marked); row != slug {
			b.t.Errorf("%s is shown, %s is marked", slug, row)
		}
		of := ask[string](b, `document.querySelector('.turn .of').textContent`)
		if want := fmt.Sprintf("%d of %d", i, stops); of != want {
			b.t.Errorf("%s: %q, want %q", slug, of, want)
		}
		if title := ask[string](b, `document.title`); !strings.HasPrefix(title, strings.Split(slug, "~")[0]) {
			b.t.Errorf("%s: the window is called %q", slug, title)
		}
		if i == stops {
			break
		}
		b.click(".turn .next")
		b.until(fmt.Sprintf("%s != %q", current, slug))
	}
	if ask[bool](b, `!!document.querySelector('.turn .next')`) {
		b.t.Error("there is a stop after the last")
	}
	b.steady()
}

// keysAlone walks there and back, and goes by the list.
func (b *tab) keysAlone(at string) {
	b.open(at)
	first := ask[string](b, current)
	for range 3 {
		before := ask[string](b, current)
		b.press(kb.ArrowRight)
		b.until(fmt.Sprintf("%s != %q", current, before))
	}
	for range 3 {
		before := ask[string](b, current)
		b.press(kb.ArrowLeft)
		b.until(fmt.Sprintf("%s != %q", current, before))
	}
	if now := ask[string](b, current); now != first {
		b.t.Errorf("there and back is %s, not %s", now, first)
	}
	b.press("jjjk")
	chosen := ask[string](b, `decodeURIComponent(document.activeElement.pathname.split('/').pop())`)
	b.press(kb.Enter)
	b.until(fmt.Sprintf("%s == %q && %s != %q", current, chosen, current, first))
	if b.press("c"); ask[bool](b, `!!document.querySelector('[data-kind=caller]')`) {
		b.until(fmt.Sprintf("%s != %q || location.search.includes('symbol')", current, chosen))
	}
	b.steady()
}

func (b *tab) dialogs(at string) {
	b.open(at)
	b.press("?")
	b.until(`document.querySelector('#help').open`)
	b.press(kb.Escape)
	b.until(`!document.querySelector('#help').open`)
	b.press("/")
	b.until(`document.querySelectorAll('#found li').length > 60`)
	b.press("wal.sync")
	b.until(`document.querySelectorAll('#found li:not([hidden])').length == 1`)
	b.press(kb.Enter)
	b.until(current + ` == "wal.sync" && !document.querySelector('#search').open`)
}

func (b *tab) addresses(at string) {
	b.open(at)
	path := ask[string](b, `location.pathname`)
	deep := at + path[:strings.LastIndexByte(path, '/')] + "/wal.sync?lang=en"
	b.open(deep)
	if row := ask[string](b, marked); row != "wal.sync" {
		b.t.Errorf("%s is marked", row)
	}
	b.press(kb.ArrowRight)
	b.until(current + ` != "wal.sync"`)
	after := ask[string](b, current)
	b.do("back", chromedp.Evaluate[chromedp.Void](`history.back()`))
	b.until(current + ` == "wal.sync" && location.pathname.endsWith("wal.sync")`)
	b.do("forward", chromedp.Evaluate[chromedp.Void](`history.forward()`))
	b.until(fmt.Sprintf("%s == %q", current, after))
	// A stage that the request did not pass has its chapter as well.
	b.open(strings.Replace(deep, "wal.sync", "lease.renew", 1))
	if text := ask[string](b, `document.querySelector('.times').textContent`); !strings.Contains(text, "did not pass") {
		b.t.Errorf("lease.renew: %s", text)
	}
	b.click(".source figcaption a, .jumps a")
	b.until(current + ` != "lease.renew" || location.search.includes("symbol")`)
}

func (b *tab) another(at string) {
	b.open(at)
	before := ask[string](b, `location.pathname`)
	b.do("choose", chromedp.SetValue(chromedp.CSS(`select[name=request]`), "txn"))
	b.click(".go")
	b.until(fmt.Sprintf(`location.pathname != %q && document.readyState == "complete"`, before))
	if asked := ask[string](b, `document.querySelector('#asked').textContent`); !strings.HasPrefix(asked, "TXN") {
		b.t.Errorf("it was %s", asked)
	}
	b.click("details.menu summary")
	b.until(`document.querySelectorAll('#requests a').length == 3`)
	b.press(kb.Escape)
	b.until(`!document.querySelector('details.menu').open`)
	b.steady()
}

func (b *tab) languages(at string) {
	b.open(at)
	b.press(kb.ArrowRight)
	b.until(`document.querySelector('.turn .of').textContent.startsWith('2 ')`)
	slug := ask[string](b, current)
	b.press("l")
	b.until(`document.documentElement.lang == "zh-Hans" && document.readyState == "complete"`)
	if now := ask[string](b, current); now != slug {
		b.t.Errorf("the language leads from %s to %s", slug, now)
	}
	if !ask[bool](b, `/[一-鿿]/.test(document.querySelector('#title').textContent)`) {
		b.t.Error("the heading is not Chinese")
	}
	b.press(kb.ArrowRight)
	b.until(fmt.Sprintf(`%s != %q && new URL(location).searchParams.get("lang") == "zh"`, current, slug))
	b.press("l")
	b.until(`document.documentElement.lang == "en" && document.readyState == "complete"`)
}

// themes goes through the switch's settings, and expects the choice to last.
func (b *tab) themes(at string) {
	b.media("", "light")
	b.open(at)
	const paper = `getComputedStyle(document.documentElement).backgroundColor`
	light := ask[string](b, paper)
	b.media("", "dark")
	dark := ask[string](b, paper)
	if light == dark {
		b.t.Errorf("dark is as light: %s", dark)
	}
	b.press("t") // from auto to light
	b.until(fmt.Sprintf("%s == %q", paper, light))
	b.do("reload", chromedp.Reload())
	if now := ask[string](b, paper); now != light {
		b.t.Errorf("after a reload it is %s", now)
	}
	b.press("t")
	b.until(fmt.Sprintf("%s == %q", paper, dark))
	b.press("t")
	b.until(`!document.documentElement.dataset.theme`)
	b.media("", "light")
	b.steady()
}

func (b *tab) hostile(at string) {
	b.open(at + "/r/" + hostileID)
	b.click("details.menu summary")
	b.until(`document.querySelectorAll('#requests a').length > 1`)
	if ask[bool](b, `"hacked" in window`) {
		b.t.Error("a key was run as a script")
	}
	text := ask[string](b, `document.querySelector('#asked').textContent`)
	if !strings.Contains(text, "<script>hacked=1</script>") || strings.ContainsRune(text, '\u202e') {
		b.t.Errorf("the key is shown as %q", text)
	}
}

// paper prints the stop that is shown, and then all of them.
func (b *tab) paper(at string) {
	b.open(at)
	b.media("print", "dark")
	if ask[bool](b, `document.querySelector('.bar').checkVisibility()`) {
		b.t.Error("the buttons are printed")
	}
	if !ask[bool](b, `document.querySelector('#title').checkVisibility() && document.querySelector('.row').checkVisibility()`) {
		b.t.Error("there is no chapter or no waterfall")
	}
	paper := ask[string](b, `getComputedStyle(document.documentElement).backgroundColor`)
	if paper != "rgb(255, 255, 255)" {
		b.t.Errorf("the paper is %s", paper)
	}
	one := b.pdf()
	b.media("", "light")
	b.open(ask[string](b, `location.href`) + "&" + url.Values{"print": {"all"}}.Encode())
	stops := ask[int](b, `document.querySelectorAll('article').length`)
	rows := ask[int](b, `document.querySelectorAll('a.row').length`)
	if stops != rows || b.pdf() <= one {
		b.t.Errorf("%d of %d stops are printed", stops, rows)
	}
}

// pdf prints, and returns how many bytes that is.
func (b *tab) pdf() int {
	b.t.Helper()
	pdf, err := chromedp.Run(b.ctx, chromedp.PrintToPDF())
	b.check("print", err)
	if len(pdf) < 10<<10 {
		b.t.Errorf("a print of %d bytes", len(pdf))
	}
	return len(pdf)
}

// held stops a request at raft's door, looks at it there, and lets it go on.
func (b *tab) held(at string) {
	b.open(at)
	path := ask[string](b, `location.pathname`)
	b.open(at + path[:strings.LastIndexByte(path, '/')] + "/raft.propose?lang=en")
	b.click(".button.hold")
	b.until(`document.querySelector('#held .chip code')?.textContent == "raft.propose" && document.querySelector('.button.hold').ariaPressed == "true"`)
	b.click("[action='/make'] .go")
	b.until(`document.querySelectorAll('#held .one').length == 1`)
	b.click("[data-look]")
	b.until(`document.querySelector('#look').open && /raft/.test(document.querySelector('#look pre').textContent)`)
	b.picture("look")
	b.measure()
	b.click("#look [data-do=close]")
	const stage = `document.querySelector('#held .one a')?.textContent`
	b.click(`#held [data-steer="/control/step"]`)
	b.until(stage + ` && ` + stage + ` != "raft.propose"`)
	b.picture("held")
	b.measure()
	b.click(`#held .chip button`)
	b.until(`!document.querySelector('#held .chip')`)
	b.click(`#held [data-steer="/control/continue"]`)
	b.until(fmt.Sprintf(`!location.pathname.startsWith(%q) && document.readyState == "complete"`, path[:strings.LastIndexByte(path, '/')]))
	if rows := ask[int](b, `[...document.querySelectorAll('a.row')].filter(r => r.pathname.includes('seam.hold')).length`); rows == 0 {
		b.t.Error("the timeline does not say that it was held")
	}
	b.steady()
}

// faulty makes the disk slow, makes a write, and finds the fault in its timeline.
func (b *tab) faulty(at string) {
	b.open(at)
	const form = `[...document.querySelectorAll('#faults form')].find(f => f.elements.name.value == 'slow-fsync')`
	b.click("details[data-into=faults] summary")
	b.until(`!!` + form)
	b.picture("faults")
	b.measure()
	press := func(button int) {
		b.do("switch", chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`%s.querySelectorAll('button')[%d].click()`, form, button)))
	}
	press(0)
	b.until(form + `.querySelectorAll('button')[1].disabled == false`)
	b.press(kb.Escape)
	path := ask[string](b, `location.pathname`)
	b.do("choose", chromedp.SetValue(chromedp.CSS(`select[name=request]`), "put"))
	b.click("[action='/make'] .go")
	b.until(fmt.Sprintf(`location.pathname != %q && document.readyState == "complete"`, path))
	if rows := ask[int](b, `[...document.querySelectorAll('a.row')].filter(r => r.pathname.includes('seam.fault')).length`); rows == 0 {
		b.t.Error("the timeline does not show the fault")
	}
	b.click("details[data-into=faults] summary")
	b.until(`!!` + form)
	press(1)
	b.until(form + `.querySelectorAll('button')[1].disabled`)
}

// wrong asks for what cannot be, and expects the reader to be told.
func (b *tab) wrong(at string) {
	b.open(at)
	const told = `document.querySelector('#wrong').checkVisibility() && document.querySelector('#wrong').textContent`
	b.do("step what is not held", chromedp.Evaluate[chromedp.Void](`(() => {
		const gone = Object.assign(document.createElement('button'), {type: 'button'});
		Object.assign(gone.dataset, {steer: '/control/step', body: 'id=99'});
		document.body.append(gone);
		gone.click();
		gone.remove();
	})()`))
	b.until(`/99/.test(` + told + `)`)
	b.picture("wrong")
	b.measure()
	b.calm()
	b.do("make what there is not", chromedp.Evaluate[chromedp.Void](`(() => {
		const kind = document.querySelector('select[name=request]');
		kind.add(new Option('nonsense', 'nonsense', true, true));
		kind.form.requestSubmit();
	})()`))
	b.until(`/nonsense/.test(` + told + `)`)
	b.forget() // the browser complains about the refusal, as it should
}
