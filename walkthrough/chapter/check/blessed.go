package check

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"glasskv/trace/stages"
	"glasskv/walkthrough/chapter"
)

// Change is a declaration that differs from the one for which its chapter was written.
type Change struct {
	Now    chapter.Quotation
	Module string // the path@version for which it was blessed; "" if it never was
}

// Changes compares the quotations of a book with the blessed ones. It returns those that
// have changed or were never blessed. The second result lists the blessed quotations that
// no chapter shows any more; it is only meaningful if all chapters were read. An error
// means that chapter.BlessedFile could not be read.
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

// Bless returns the new content of chapter.BlessedFile after somebody has read the
// chapters about the given stages, or all chapters if none is given, against the code.
// The lines of other stages stay as they are.
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
