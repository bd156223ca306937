package guide

import (
	"encoding/json"
	"fmt"
	"io"

	"glasskv/trace/stages"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/source"
)

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
	File     string   `json:"file,omitempty"` // on this disk; only where one stage is asked for
	FileLine int      `json:"line,omitempty"`
}

type edge struct {
	Edge    string `json:"edge"`
	ErrorNS int64  `json:"error_ns,omitempty"`
}

// WriteJSON writes one stage as one object on a line. The library may be nil:
// then the place of the source is left out.
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
