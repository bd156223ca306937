package guide

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"

	"glasskv/trace/stages"
	"glasskv/walkthrough/branch"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/source"
)

// BranchPage writes what there is to know of a branch of the path. The only error
// is that of writing.
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

// function names an upstream function and where its source is.
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

// WriteBranchJSON writes one branch as one object on a line.
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
