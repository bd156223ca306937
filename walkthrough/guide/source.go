package guide

import (
	"errors"

	"glasskv/trace/stages"
	"glasskv/walkthrough/source"
)

// place is where a symbol of another module stands.
type place struct {
	module  string // path@version; the path alone when the version is not known
	file    string // "" when it is not on this disk
	line    int
	missing string // a command that fetches it, when it is not here
}

// find looks a symbol up. A place without a file is no error: the reader's disk
// need not hold it.
func find(library *source.Library, s stages.Symbol) place {
	e, err := library.Excerpt(s.Package+"."+s.Name, "")
	if err == nil {
		return place{module: e.Module, file: e.File, line: e.First}
	}
	// Who has no Go at all is not told to fetch a release of it with the go command.
	if absent, ok := errors.AsType[*source.NotHereError](err); ok && absent.Command != "" && s.Module != stages.StandardLibrary {
		return place{module: absent.Module, missing: absent.Command}
	}
	return place{module: s.Module}
}

// parse reads what the catalogue names as "import/path.Symbol", to be written as
// a reader knows it.
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
