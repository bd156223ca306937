package otlp

import "glasskv/trace"

// maxShared bounds the stages that links bring into one timeline. A request and
// its parts have ten each at most; a file that says otherwise could repeat all of
// itself in each.
const maxShared = 8 * trace.MaxEmbedded

// join adds the stages that stand in the trace of a batch, or of the connection
// that the request opened.
func (w *weaver) join(root int) {
	w.room = maxShared
	for _, link := range w.spans[root].links {
		what, ok := find(link.attrs, attrLink)
		if !ok {
			continue // of another program's making
		}
		row, found := w.index[spanKey{link.trace, link.id}]
		if found {
			w.linked[w.top(row)] = true
		}
		if w.room--; w.room < 0 {
			w.found.add("links", "it links to more than requests share: what is beyond %d stages is left out", maxShared)
			return
		}
		part := 0
		if number, ok := find(link.attrs, attrPart); ok {
			part = count(number.ValidUTF8)
		}
		switch {
		case what.ValidUTF8 == linkConnection && w.part(part).Connection.Reused:
			// its stages belong to the request that opened it
		case !found:
			w.found.add("link", "%.80s, which others share, is not in the file", what.ValidUTF8)
		case what.ValidUTF8 == linkConnection:
			w.joinConnection(row, part)
		default:
			w.joinBatch(row, link, part)
		}
	}
}

// top returns the root above a row.
func (b *builder) top(row int) int {
	for b.parent[row] >= 0 {
		row = b.parent[row]
	}
	return row
}

// part returns the part with that number; for 0, and for one that is not there,
// the request as a whole.
func (w *weaver) part(number int) *trace.Part {
	if number > 0 && number <= len(w.t.Parts) {
		return &w.t.Parts[number-1]
	}
	return &trace.Part{EndNS: w.t.DurationNS, Connection: w.t.Connection}
}

func (w *weaver) joinConnection(row, part int) {
	from := len(w.t.Stages)
	w.descend(row, "")
	of := w.part(part)
	for i := from; i < len(w.t.Stages); i++ {
		st := &w.t.Stages[i]
		if st.Open { // it was exported with another request, which ended at another time
			st.EndNS = max(st.BeginNS, of.EndNS)
		}
		st.Part = part
		if st.Parent == "" {
			st.Parent = of.Under
		}
	}
}

// joinBatch adds a batch's stage and what is inside it. How many shared it, and
// what it was inside of, the link knows as the request saw it.
func (w *weaver) joinBatch(row int, link readLink, part int) {
	from := len(w.t.Stages)
	name := w.add(row, "").Stage
	w.descend(row, name)
	if parent, ok := find(link.attrs, attrParent); ok {
		w.t.Stages[from].Parent = parent.ValidUTF8
	}
	shared, ok := find(link.attrs, attrSharedBy)
	for i := from; i < len(w.t.Stages); i++ {
		w.t.Stages[i].Part = part
		if ok {
			w.t.Stages[i].SharedBy = count(shared.ValidUTF8)
		}
	}
}
