package source

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const pkg = "example.org/Upper/mod/pkg."

// fixture is a library whose module cache holds one module that we wrote.
func fixture(t *testing.T) *Library {
	t.Helper()
	cache, err := filepath.Abs(filepath.FromSlash("testdata/cache"))
	if err != nil {
		t.Fatal(err)
	}
	return New(Places{Cache: cache, Versions: map[string]string{
		"example.org/Upper/mod": "v1.2.3", "example.org/absent": "v0.1.0", "example.org/Upper": "v0.0.1",
	}})
}

func cutOut(t *testing.T, l *Library, symbol, anchor string) *Excerpt {
	t.Helper()
	e, err := l.Excerpt(symbol, anchor)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestASymbolIsCutOutOfTheModuleCache(t *testing.T) {
	l := fixture(t)
	for symbol, want := range map[string]string{
		"New":             "func New(limit int) int { return limit }",
		"(*Box).Put":      "func (b *Box[T]) Put(thing T) {",
		"(*Box[T]).Put":   "func (b *Box[T]) Put(thing T) {",
		"Box.Get":         "func (b Box[T]) Get() T { return b.thing }",
		"Get":             "func Get[T any](m map[string]T) bool {",
		"Box":             "type Box[T any] struct {",
		"Pair":            "\tPair    [2]int",
		"Opener":          "type Opener interface {",
		"Opener.Close":    "\tClose() error",
		"Opener.Stringer": "\tfmt.Stringer                    // <- at method Stringer",
		"Limit":           "const Limit = 7",
		"Names":           "var Names = map[string]func(){",
	} {
		e := cutOut(t, l, pkg+symbol, "")
		if e.Lines[0].Text() != want || e.Lines[0].Number != e.First || e.Lines[len(e.Lines)-1].Number != e.Last {
			t.Errorf("%s begins with %q on line %d, and is said to be %d to %d", symbol, e.Lines[0].Text(), e.Lines[0].Number, e.First, e.Last)
		}
		if e.Module != "example.org/Upper/mod@v1.2.3" || e.Name != "pkg/shop.go" || !strings.HasSuffix(e.File, filepath.FromSlash("!upper/mod@v1.2.3/pkg/shop.go")) {
			t.Errorf("%s: module %s, name %s, file %s", symbol, e.Module, e.Name, e.File)
		}
	}
}

// Behind a line of the fixture stands the anchor that marks it.
func TestEveryKindOfAnchorMarksItsStatement(t *testing.T) {
	l := fixture(t)
	kinds := make(map[string]bool)
	for _, symbol := range []string{"Box", "Opener", "Names", "(*Box).Put", "Counter.String", "Serve", "Get"} {
		for _, line := range cutOut(t, l, pkg+symbol, "").Lines {
			_, anchor, ok := strings.Cut(line.Text(), "// <- ")
			if !ok {
				continue
			}
			anchor, count, long := strings.Cut(anchor, " | ")
			lines := 1
			if long {
				lines, _ = strconv.Atoi(count)
			}
			e, err := l.Excerpt(pkg+symbol, anchor)
			if err != nil {
				t.Errorf("%s: %v", symbol, err)
				continue
			}
			if first, last := line.Number, line.Number+lines-1; e.MarkFirst != first || e.MarkLast != last {
				t.Errorf("%s %s marks %d to %d, want %d to %d", symbol, anchor, e.MarkFirst, e.MarkLast, first, last)
			}
			for _, l := range e.Lines {
				if l.Marked != (e.MarkFirst <= l.Number && l.Number <= e.MarkLast) {
					t.Errorf("%s %s: line %d is marked: %v", symbol, anchor, l.Number, l.Marked)
				}
			}
			kinds[strings.Fields(anchor)[1]] = true
		}
	}
	for _, kind := range append(kindsWithText, statementKinds...) {
		if !kinds[kind] {
			t.Errorf("no line of the fixture is marked with `at %s`", kind)
		}
	}
}

func TestAnAnchorThatIsNotThereIsAnsweredWithWhatIs(t *testing.T) {
	l := fixture(t)
	for _, c := range []struct{ symbol, anchor, want string }{
		{"Serve", "at call missing", "no call missing in " + pkg + "Serve; there is: close, func, job, ctx.Done, context.Cause, len"},
		{"Serve", "at select 3", "no select 3 in " + pkg + "Serve, which has 2"},
		{"Serve", "at if 3", "no if 3 in " + pkg + "Serve; there is: err != nil, len(m) > 3"},
		{"(*Box).Put", "at go", "no go in " + pkg + "(*Box).Put, which has none at all"},
		{"Counter.String", "at case c == 7", "there is: c < 0, c == 1, c == 2"},
		{"Box", "at field missing", "there is: Mutex, thing, other, inner, depth"},
		{"Serve", "at call", "want \"at WHAT"},
		{"Serve", "call close", "want \"at WHAT"},
		{"Serve", "at line 7", "want \"at WHAT"},
	} {
		e, err := l.Excerpt(pkg+c.symbol, c.anchor)
		if !errors.Is(err, ErrNoAnchor) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s: %v\nwant %s", c.symbol, c.anchor, err, c.want)
		}
		if e == nil || e.MarkFirst != 0 || len(e.Lines) == 0 {
			t.Errorf("%s %s: the declaration itself is not shown", c.symbol, c.anchor)
		}
	}
}

func TestWhatIsMissingIsNamedWithTheWayToGetIt(t *testing.T) {
	l := fixture(t)
	for _, c := range []struct {
		symbol string
		is     error
		want   string
	}{
		{"example.org/absent/pkg.Func", ErrNotHere, "example.org/absent@v0.1.0: run `go mod download example.org/absent@v0.1.0`"},
		{"example.org/unknown.Func", ErrNotHere, "this binary does not know its version of example.org/unknown"},
		{"net/http.Serve", ErrNotHere, "go mod download golang.org/toolchain@v0.0.1-" + runtime.Version()},
		{pkg + "Missing", ErrNoSymbol, "there is none of that name"},
		{pkg + "Box.Put", ErrNoSymbol, "there is (*Box).Put"},
		{pkg + "(*Box).Get", ErrNoSymbol, "there is Box.Get"},
		{pkg + "Put", ErrNoSymbol, "there is (*Box).Put"},
		{"Serve", ErrNoSymbol, "is not an import path"},
		{"net/http.", ErrNoSymbol, "is not an import path"},
	} {
		if _, err := l.Excerpt(c.symbol, ""); !errors.Is(err, c.is) || !strings.Contains(fmt.Sprint(err), c.want) {
			t.Errorf("%s: %v\nwant %s", c.symbol, err, c.want)
		}
	}
	l.places.NoGo = true
	if _, err := l.Excerpt("example.org/absent/pkg.Func", ""); !strings.Contains(fmt.Sprint(err), "install Go") {
		t.Errorf("without a go command: %v", err)
	}
}

// A function may have a body for each system; the reader sees that of his own,
// and of another one only when there is no other.
func TestTheBodyOfThisSystemComesFirst(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the fixture has files for linux and plan9")
	}
	l := fixture(t)
	if e := cutOut(t, l, pkg+"Dated", ""); e.Name != "pkg/shop_linux.go" {
		t.Errorf("Dated was cut out of %s", e.Name)
	}
	if e := cutOut(t, l, pkg+"Plan9Only", ""); e.Name != "pkg/shop_plan9.go" {
		t.Errorf("Plan9Only was cut out of %s", e.Name)
	}
}

func TestTheVendorFolderComesFirstWhenItHoldsThatVersion(t *testing.T) {
	vendor := t.TempDir()
	write(t, filepath.Join(vendor, "example.org", "Upper", "mod", "pkg", "new.go"), "package pkg\n\nfunc New() {}\n")
	for listed, want := range map[string]string{"v1.2.3": "pkg/new.go", "v1.2.4": "pkg/shop.go"} {
		write(t, filepath.Join(vendor, "modules.txt"), "# example.org/Upper/mod "+listed+"\n## explicit\nexample.org/Upper/mod/pkg\n")
		l := fixture(t)
		l.places.Vendor = vendor
		if e := cutOut(t, l, pkg+"New", ""); e.Name != want {
			t.Errorf("vendor has %s: New was cut out of %s, want %s", listed, e.Name, want)
		}
	}
}

func TestOnlyTheVendorFolderOfOurOwnModuleCounts(t *testing.T) {
	root := t.TempDir()
	below := filepath.Join(root, "a", "b")
	write(t, filepath.Join(below, "x.go"), "package b\n")
	write(t, filepath.Join(root, "go.mod"), "module example.org/main\n\ngo 1.26\n")
	if got := vendorOf(below, "example.org/main"); got != "" {
		t.Errorf("without modules.txt: %s", got)
	}
	write(t, filepath.Join(root, "vendor", "modules.txt"), "# x v1\n")
	if got := vendorOf(below, "example.org/main"); got != filepath.Join(root, "vendor") {
		t.Errorf("ours: %q", got)
	}
	if got := vendorOf(below, "example.org/other"); got != "" {
		t.Errorf("somebody else's: %s", got)
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}

func TestManyMayAskAtATime(t *testing.T) {
	l := fixture(t)
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			symbol := pkg + []string{"Serve", "New", "Dated", "Missing"}[i%4]
			if _, err := l.Excerpt(symbol, ""); err != nil && !errors.Is(err, ErrNoSymbol) {
				t.Error(err)
			}
		})
	}
	all.Wait()
}
