package check

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"glasskv/trace/stages"
	"glasskv/walkthrough/chapter"
)

// Change is a declaration that is not the one for which a chapter was written.
type Change struct {
	Now    chapter.Quotation
	Module string // where it was blessed, path@version; "" when it never was
}

// Changes compares the quotations of a book with those that were blessed. It
// returns those that are not the same, and the blessed ones that no chapter
// shows any more; the latter only mean something when all chapters were read.
func (b *Book) Changes() (changes []Change, left []chapter.Quotation, err error) {
	blessed, err := chapter.ReadBlessed(b.Folder)
	if err != nil {
		return nil, nil, err
	}
	for _, now := range b.Quotes {
		i := slices.IndexFunc(blessed, sameAs(now))
		switch {
		case i < 0:
			changes = append(changes, Change{Now: now})
		case blessed[i].Hash != now.Hash:
			changes = append(changes, Change{now, blessed[i].Module})
		}
	}
	for _, q := range blessed {
		if !slices.ContainsFunc(b.Quotes, sameAs(q)) {
			left = append(left, q)
		}
	}
	return changes, left, nil
}

func sameAs(q chapter.Quotation) func(chapter.Quotation) bool {
	return func(o chapter.Quotation) bool { return q.Stage == o.Stage && q.Symbol == o.Symbol }
}

// Bless returns what chapter.BlessedFile has to hold after the chapters about the
// stages, all when none is named, were read against the code as it is. What it
// says of other stages stays.
func (b *Book) Bless(only ...stages.Stage) ([]byte, error) {
	blessed, err := chapter.ReadBlessed(b.Folder)
	if err != nil {
		return nil, err
	}
	renewed := func(stage string) bool {
		s, _ := stages.ByName(stage)
		return len(only) == 0 || slices.Contains(only, s)
	}
	all := slices.DeleteFunc(blessed, func(q chapter.Quotation) bool { return renewed(q.Stage) })
	for _, q := range b.Quotes {
		if renewed(q.Stage) {
			all = append(all, q)
		}
	}
	slices.SortFunc(all, func(x, y chapter.Quotation) int {
		return cmp.Or(cmp.Compare(x.Stage, y.Stage), cmp.Compare(x.Symbol, y.Symbol))
	})
	var out bytes.Buffer
	for _, q := range all {
		fmt.Fprintf(&out, "%s\t%s\t%s\t%s\n", q.Stage, q.Symbol, q.Hash, q.Module)
	}
	return out.Bytes(), nil
}
