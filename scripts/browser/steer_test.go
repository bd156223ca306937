package browser

import (
	"fmt"
	"strings"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

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
