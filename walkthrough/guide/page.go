package guide

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"glasskv/trace/stages"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/source"
)

const (
	labelColumns = 10
	mostText     = 100 // longer lines are hard to read
)

// page is one stage while it is written.
type page struct {
	spec  *stages.Spec
	text  chapter.Text
	lang  lang.Lang
	width int
	label int // columns of the labels
	out   *screen.Writer
}

// Page writes what there is to know of a stage. The library tells where the
// source is. The only error is that of writing.
func Page(w io.Writer, spec *stages.Spec, library *source.Library, o screen.Options) error {
	p := &page{spec: spec, text: chapter.TextOf(spec.Stage, o.Lang), lang: o.Lang, out: screen.NewWriter(w, o)}
	p.width, p.label = min(o.Columns(w), mostText), labelColumns
	say := o.Lang.Pick
	p.head()
	p.item(say("what", "是什么"), p.text.What)
	p.upstream(find(library, spec.Upstream))
	p.item(say("seen", "怎么看到"), p.text.How)
	p.edges()
	p.item(say("slow when", "何时变慢"), p.text.Slow)
	p.item(say("do", "怎么办"), p.text.Do)
	p.item(say("metric", "指标"), metric(spec, o.Lang))
	p.next(library)
	return p.out.Close()
}

// head says the name, what kind of time it is, and where it sits.
func (p *page) head() {
	kind := screen.RoleOf(p.spec.Kind)
	facts := []string{p.lang.Scope(p.spec.Scope)}
	if p.spec.Parent != stages.None {
		facts = append(facts, p.lang.Say("inside %s", "位于 %s 之内", p.spec.Parent))
	}
	line := screen.Strong.Paint(p.spec.Name)
	if p.spec.Kind != stages.KindNone {
		line += "   " + kind.Paint("● "+p.lang.Kind(p.spec.Kind))
	}
	rest := "   " + strings.Join(facts, " · ")
	if screen.Width(line+rest) > p.width {
		p.out.Line(line)
		line, rest = "", strings.TrimSpace(rest)
	}
	p.out.Line(line, screen.Dim.Paint(rest))
	for _, l := range screen.Wrap(p.text.Note, p.width) {
		p.out.Line(l)
	}
	p.out.Line()
}

// item writes a label and a text beside it; nothing when there is no text.
func (p *page) item(label, text string) {
	for i, l := range screen.Wrap(text, p.width-p.label) {
		if i > 0 {
			label = ""
		}
		p.out.Line(screen.Dim.Paint(label), screen.Blank(p.label-screen.Width(label)), l)
	}
}

// upstream names the function and where its source is. The path stands on a
// line of its own, unbroken, so that a terminal can open it.
func (p *page) upstream(s place) {
	name := p.spec.Upstream.String()
	if one := name + "  " + s.module; screen.Width(one) <= p.width-p.label {
		name = one
	} else {
		defer p.item("", s.module)
	}
	p.item(p.lang.Pick("upstream", "上游"), name)
	switch {
	case s.file != "":
		p.out.Line(screen.Blank(p.label), fmt.Sprintf("%s:%d", s.file, s.line))
	case s.missing != "":
		p.item("", p.lang.Say("not on this disk: %s", "本机没有源码：%s", s.missing))
	}
}

// edges says how exactly the stage's begin and end are known, and in which file
// of ours.
func (p *page) edges() {
	if p.spec.Seam == "" {
		return // the text above says why
	}
	text := p.lang.Say("begin %s, end %s · %s", "起点%s，终点%s · %s",
		edgeText(p.spec.Begin, p.lang), edgeText(p.spec.End, p.lang), p.spec.Seam)
	if hold := holdText(p.spec, p.lang); hold != "" {
		text += " · " + hold
	}
	p.item("", text)
}

// holdText says whether a request can be held where the stage begins, and who waits
// then.
func holdText(spec *stages.Spec, l lang.Lang) string {
	switch spec.Hold {
	case stages.HoldRequest:
		return l.Pick("can be held", "可停住")
	case stages.HoldShared:
		return l.Pick("can be held, with all behind it", "可停住，后面的也一起等")
	}
	return ""
}

func metric(spec *stages.Spec, l lang.Lang) string {
	if spec.Metric == "" {
		return l.Pick("none of a real etcd shows this", "真正的 etcd 没有对应的指标")
	}
	return spec.Metric + l.Pick("  (of a real etcd)", "（真正的 etcd 里）")
}

func edgeText(e stages.EdgeSpec, l lang.Lang) string {
	switch e.Edge {
	case stages.Near:
		return l.Say("near (%s)", "近似（%s）", strings.Replace(screen.Duration(e.ErrorNS), ".00", "", 1))
	case stages.Inferred:
		return l.Pick("inferred", "推算")
	}
	return l.Pick("exact", "精确")
}

// next lists what to read next, with the place where it stands when it is here.
func (p *page) next(library *source.Library) {
	var items []string
	for _, symbol := range p.spec.Next {
		if symbol == p.spec.Upstream {
			continue // its place is told above
		}
		item := symbol.String()
		if s := find(library, symbol); s.file != "" {
			item += fmt.Sprintf(" (%s:%d)", filepath.Base(s.file), s.line)
		}
		items = append(items, item)
	}
	p.item(p.lang.Pick("read next", "接着读"), strings.Join(items, " · "))
}
