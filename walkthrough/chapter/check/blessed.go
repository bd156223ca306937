package check

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"glasskv/trace"
)

// BlessedFile stands beside en and zh: which code the chapters were written
// for.
const BlessedFile = "blessed.tsv"

// Change is a declaration that is not the one for which a chapter was written.
type Change struct {
	Now    Quotation
	Module string // where it was blessed, path@version; "" when it never was
}

// Changes compares the quotations of a book with those that were blessed. It
// returns those that are not the same, and the blessed ones that no chapter
// shows any more; the latter only mean something when all chapters were read.
func (b *Book) Changes() (changes []Change, left []Quotation, err error) {
	blessed, err := b.blessed()
	if err != nil {
		return nil, nil, err
	}
	for _, now := range b.Quotes {
		i := slices.IndexFunc(blessed, now.sameAs)
		switch {
		case i < 0:
			changes = append(changes, Change{Now: now})
		case blessed[i].Hash != now.Hash:
			changes = append(changes, Change{now, blessed[i].Module})
		}
	}
	for _, q := range blessed {
		if !slices.ContainsFunc(b.Quotes, q.sameAs) {
			left = append(left, q)
		}
	}
	return changes, left, nil
}

func (q Quotation) sameAs(o Quotation) bool { return q.Stage == o.Stage && q.Symbol == o.Symbol }

// Bless returns what BlessedFile has to hold after the chapters about the
// stages, all when none is named, were read against the code as it is. What it
// says of other stages stays.
func (b *Book) Bless(stages ...trace.Stage) ([]byte, error) {
	blessed, err := b.blessed()
	if err != nil {
		return nil, err
	}
	renewed := func(stage string) bool {
		s, _ := trace.StageByName(stage)
		return len(stages) == 0 || slices.Contains(stages, s)
	}
	all := slices.DeleteFunc(blessed, func(q Quotation) bool { return renewed(q.Stage) })
	for _, q := range b.Quotes {
		if renewed(q.Stage) {
			all = append(all, q)
		}
	}
	slices.SortFunc(all, func(x, y Quotation) int {
		return cmp.Or(cmp.Compare(x.Stage, y.Stage), cmp.Compare(x.Symbol, y.Symbol))
	})
	var out bytes.Buffer
	for _, q := range all {
		fmt.Fprintf(&out, "%s\t%s\t%s\t%s\n", q.Stage, q.Symbol, q.Hash, q.Module)
	}
	return out.Bytes(), nil
}

// blessed reads the file; without one nothing was blessed.
func (b *Book) blessed() (all []Quotation, err error) {
	text, err := fs.ReadFile(b.Folder, BlessedFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 4 {
			return nil, fmt.Errorf("%s:%d: want stage, symbol, hash and module, with tabs between them", BlessedFile, n)
		}
		all = append(all, Quotation{f[0], f[1], f[2], f[3]})
	}
	return all, nil
}
