package guide

import (
	"cmp"
	"io"

	"glasskv/trace/stages"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/screen"
)

// The columns of the tree, and the widths from which it has more of them.
const (
	kindColumns  = 11
	scopeColumns = 9
	leastName    = 30
	mostName     = 46
	longestName  = 54 // what the deepest of the long names takes
	mostUpstream = 54

	scopeFrom = 72  // the scope
	wideFrom  = 100 // the upstream function's package, and two columns for each level
	notesFrom = 120 // the note
	roomyFrom = 160 // names in full
)

// tree writes the catalogue as a tree.
type tree struct {
	opts     screen.Options
	width    int
	name     int // columns of the names
	scope    int // columns of the scopes
	upstream int // columns of the upstream functions' names
	out      *screen.Writer
}

// Tree writes all stages, each below its parent. An error means that w could not be
// written.
func Tree(w io.Writer, o screen.Options) error {
	t := &tree{opts: o, width: o.Columns(w), out: screen.NewWriter(w, o)}
	t.fit()
	say := o.Lang.Pick
	head := screen.Left(say("  stage", "  阶段"), 2+t.name) + screen.Left(say("kind", "种类"), kindColumns)
	if t.scope > 0 {
		head += screen.Left(say("scope", "范围"), t.scope)
	}
	t.out.Line(screen.Dim.Paint(head + say("upstream function", "上游函数")))
	t.below(stages.None, "")
	t.out.Line(screen.Dim.Paint(say("■ can be held: glasskv hold break STAGE", "■ 可以停住：glasskv hold break STAGE")))
	return t.out.Close()
}

func (t *tree) fit() {
	t.name = leastName
	if t.width >= scopeFrom {
		t.scope = scopeColumns
	}
	if t.width >= wideFrom {
		t.name = mostName
	}
	if t.width >= roomyFrom {
		t.name = longestName
	}
	t.upstream = t.width - 2 - t.name - kindColumns - t.scope
	if t.width >= notesFrom {
		t.upstream = min(t.upstream*2/5, mostUpstream)
	}
}

// below writes the children of a stage, and theirs. The guide is what a line begins
// with: the branches of the tree down to parent.
func (t *tree) below(parent stages.Stage, guide string) {
	children := childrenOf(parent)
	for i, spec := range children {
		own, inner := guide, guide
		switch {
		case parent == stages.None:
		case i == len(children)-1:
			own, inner = guide+t.pad("└"), guide+t.pad(" ")
		default:
			own, inner = guide+t.pad("├"), guide+t.pad("│")
		}
		t.line(spec, own)
		t.below(spec.Stage, inner)
	}
}

// pad adds a blank to a sign of the tree if the tree is wide.
func (t *tree) pad(sign string) string {
	if t.width < wideFrom {
		return sign
	}
	return sign + " "
}

func childrenOf(parent stages.Stage) (out []*stages.Spec) {
	for _, spec := range stages.Specs() {
		if spec.Parent == parent {
			out = append(out, spec)
		}
	}
	return out
}

func (t *tree) line(spec *stages.Spec, guide string) {
	role := screen.RoleOf(spec.Kind)
	mark, kind := role.Paint("●"), t.opts.Lang.Kind(spec.Kind)
	if spec.Hold != "" {
		mark = role.Paint("■")
	}
	if spec.Kind == stages.KindNone {
		mark, kind = " ", ""
	}
	room := t.name - 1 - screen.Width(guide)
	name := screen.Left(screen.Middle(spec.Name, room), room+1)
	if spec.Seam == "" {
		name = screen.Dim.Paint(name)
	}
	t.out.Line(mark, " ", screen.Dim.Paint(guide), name,
		role.Paint(kind), screen.Blank(kindColumns-screen.Width(kind)),
		t.scopeOf(spec), t.rest(spec))
}

func (t *tree) scopeOf(spec *stages.Spec) string {
	if t.scope == 0 {
		return ""
	}
	return screen.Left(string(spec.Scope), t.scope)
}

// rest returns the columns after the scope: the upstream function and, if the tree is
// wide, the note. For a stage that is never shown, the note is the reason why.
func (t *tree) rest(spec *stages.Spec) string {
	upstream := spec.Upstream.String()
	if t.width < wideFrom {
		upstream = spec.Upstream.Name
	}
	upstream = screen.Middle(upstream, t.upstream)
	if t.width < notesFrom {
		return upstream
	}
	text := chapter.TextOf(spec.Stage, t.opts.Lang)
	note := cmp.Or(text.Absent, text.Note)
	used := 2 + t.name + kindColumns + t.scope + t.upstream + 2
	return screen.Left(upstream, t.upstream) + "  " + screen.Dim.Paint(screen.Cut(note, t.width-used))
}
