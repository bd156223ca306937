// Package guide shows the catalogue of stages and branches to people and programs.
//
//	page.go      one stage or one branch: a page for people, an object for programs
//	debug.go     how a request looks on grpc-go's own pages
//	nearest.go   the names nearest to a mistyped one
//	tree.go      all stages as a tree
//	markdown.go  all stages as docs/stages.md
//
// No upstream code is copied into GlassKV. A page leads to the source on the reader's
// own disk, at the version that this binary was built with.
package guide

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"glasskv/trace/stages"
	"glasskv/walkthrough/branch"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/source"
)

const (
	labelColumns = 10
	mostText     = 100 // longer lines are hard to read
)

// page writes a page of labels with texts beside them. Only a page about a stage has a
// spec and a text: those of the stage.
type page struct {
	spec  *stages.Spec
	text  chapter.Text
	lang  lang.Lang
	width int // columns in all
	label int // columns of the labels
	out   *screen.Writer
}

// Page writes the page about a stage. It names the places in the source that the library
// finds. An error means that w could not be written.
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

// head writes the stage's name, kind of time, scope and parent, and its note.
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

// item writes a label with a text beside it. It writes nothing if the text is empty.
func (p *page) item(label, text string) {
	for i, l := range screen.Wrap(text, p.width-p.label) {
		if i > 0 {
			label = ""
		}
		p.out.Line(screen.Dim.Paint(label), screen.Blank(p.label-screen.Width(label)), l)
	}
}

// upstream writes the function's name and where its source is. The path is on a line of
// its own and unbroken, so that a terminal can open it.
func (p *page) upstream(s place) {
	name := p.spec.Upstream.String()
	if line := name + "  " + s.module; screen.Width(line) <= p.width-p.label {
		name = line
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

// edges writes how exactly it is known when the stage begins and ends, and which of our
// files observes that.
func (p *page) edges() {
	if p.spec.Seam == "" {
		return // no edge is observed; How says so
	}
	text := p.lang.Say("begin %s, end %s · %s", "起点%s，终点%s · %s",
		edgeText(p.spec.Begin, p.lang), edgeText(p.spec.End, p.lang), p.spec.Seam)
	if hold := holdText(p.spec, p.lang); hold != "" {
		text += " · " + hold
	}
	p.item("", text)
}

// holdText says whether a request can be held where the stage begins, and whether others
// wait with it. It is "" if the request cannot be held.
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

// next writes what to read next, with file and line of what is on this disk.
func (p *page) next(library *source.Library) {
	var items []string
	for _, symbol := range p.spec.Next {
		if symbol == p.spec.Upstream {
			continue // it is written above
		}
		item := symbol.String()
		if s := find(library, symbol); s.file != "" {
			item += fmt.Sprintf(" (%s:%d)", filepath.Base(s.file), s.line)
		}
		items = append(items, item)
	}
	p.item(p.lang.Pick("read next", "接着读"), strings.Join(items, " · "))
}

// entry is a stage as programs read it.
type entry struct {
	Stage    string   `json:"stage"`
	Parent   string   `json:"parent,omitempty"`
	Scope    string   `json:"scope"`
	Kind     string   `json:"kind,omitempty"`
	Module   string   `json:"module"`
	Package  string   `json:"package"`
	Symbol   string   `json:"symbol"`
	Seam     string   `json:"seam,omitempty"`
	Absent   string   `json:"absent,omitempty"`
	Begin    edge     `json:"begin"`
	End      edge     `json:"end"`
	Hold     string   `json:"hold,omitempty"` // who waits when a request is held where it begins; empty: it cannot be
	Metric   string   `json:"metric,omitempty"`
	Next     []string `json:"next,omitempty"`
	Note     string   `json:"note"`
	What     string   `json:"what"`
	How      string   `json:"how"`
	Slow     string   `json:"slow"`
	Do       string   `json:"do"`
	File     string   `json:"file,omitempty"` // the path on this disk; set only with a library
	FileLine int      `json:"line,omitempty"`
}

type edge struct {
	Edge    string `json:"edge"`
	ErrorNS int64  `json:"error_ns,omitempty"`
}

// WriteJSON writes a stage as one JSON object on a line. If the library is nil, the
// object has neither file nor line of the source. An error means that w could not be
// written.
func WriteJSON(w io.Writer, spec *stages.Spec, library *source.Library, l lang.Lang) error {
	text := chapter.TextOf(spec.Stage, l)
	e := entry{
		Stage: spec.Name, Parent: spec.Parent.String(), Scope: string(spec.Scope), Kind: string(spec.Kind),
		Module: spec.Upstream.Module, Package: spec.Upstream.Package, Symbol: spec.Upstream.Name,
		Seam: spec.Seam, Absent: text.Absent,
		Begin:  edge{string(spec.Begin.Edge), spec.Begin.ErrorNS},
		End:    edge{string(spec.End.Edge), spec.End.ErrorNS},
		Hold:   string(spec.Hold),
		Metric: spec.Metric, Next: paths(spec.Next),
		Note: text.Note, What: text.What, How: text.How, Slow: text.Slow, Do: text.Do,
	}
	if library != nil {
		s := find(library, spec.Upstream)
		e.File, e.FileLine = s.file, s.line
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		return fmt.Errorf("write stage: %w", err)
	}
	return nil
}

// place is where an upstream symbol is declared.
type place struct {
	module  string // path@version; the path alone if the version is not known
	file    string // "" if it is not on this disk
	line    int
	missing string // the command that fetches it, if it is not on this disk
}

// find looks up a symbol. If the module is not on this disk, it returns a place without a
// file.
func find(library *source.Library, s stages.Symbol) place {
	e, err := library.Excerpt(s.Package+"."+s.Name, "")
	if err == nil {
		return place{module: e.Module, file: e.File, line: e.First}
	}
	// A reader without Go cannot fetch the standard library with the go command.
	if absent, ok := errors.AsType[*source.NotHereError](err); ok && absent.Command != "" && s.Module != stages.StandardLibrary {
		return place{module: absent.Module, missing: absent.Command}
	}
	return place{module: s.Module}
}

// parse reads a symbol that the catalogue of branches names as "import/path.Symbol".
func parse(name string) stages.Symbol {
	pkg, short, ok := source.Cut(name)
	if !ok {
		return stages.Symbol{Name: name}
	}
	return stages.Symbol{Package: pkg, Name: short}
}

// paths returns symbols with their import paths.
func paths(symbols []stages.Symbol) []string {
	all := make([]string, 0, len(symbols))
	for _, s := range symbols {
		all = append(all, s.Path())
	}
	return all
}

// BranchPage writes the page about a branch of the path. An error means that w could not
// be written.
func BranchPage(w io.Writer, b *branch.Branch, library *source.Library, o screen.Options) error {
	p := &page{lang: o.Lang, width: min(o.Columns(w), mostText), label: labelColumns, out: screen.NewWriter(w, o)}
	text, say := b.In(o.Lang), o.Lang.Pick
	p.out.Line(screen.Strong.Paint(b.Name), screen.Dim.Paint("   "+text.Title))
	p.out.Line()
	p.item(say("what", "是什么"), text.What)
	label := say("upstream", "上游")
	for _, name := range b.Upstream {
		p.function(label, library, name)
		label = ""
	}
	p.item(say("client", "客户端"), text.Client)
	p.item(say("look for", "看什么"), text.Look)
	if b.Stage != stages.None {
		p.item(say("stage", "阶段"), "glasskv explain "+b.Stage.String())
	}
	p.item(say("play it", "演示"), "glasskv demo "+b.Name)
	return p.out.Close()
}

// function writes the name of an upstream function, with file and line of its source if
// that is on this disk.
func (p *page) function(label string, library *source.Library, name string) {
	symbol := parse(name)
	text := symbol.String()
	if s := find(library, symbol); s.file != "" {
		text += fmt.Sprintf(" (%s:%d)", filepath.Base(s.file), s.line)
	}
	p.item(label, text)
}

// branchEntry is a branch as programs read it.
type branchEntry struct {
	Branch   string   `json:"branch"`
	Title    string   `json:"title"`
	What     string   `json:"what"`
	Client   string   `json:"client"`
	Look     string   `json:"look"`
	Stage    string   `json:"stage,omitempty"`
	Upstream []string `json:"upstream"`
	Story    string   `json:"story"`
}

// WriteBranchJSON writes a branch as one JSON object on a line. An error means that w
// could not be written.
func WriteBranchJSON(w io.Writer, b *branch.Branch, l lang.Lang) error {
	text := b.In(l)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	err := enc.Encode(branchEntry{
		Branch: b.Name, Title: text.Title, What: text.What, Client: text.Client, Look: text.Look,
		Stage: b.Stage.String(), Upstream: b.Upstream, Story: "server/seam/testdata/stories/" + b.Story + ".txt",
	})
	if err != nil {
		return fmt.Errorf("write branch: %w", err)
	}
	return nil
}
