// Package branch is the catalogue of the branches that a request or a connection
// can take on grpc-go's server path: from an Accept that fails to a stop that
// waits. Each branch can be played (`glasskv demo NAME`), is explained (`glasskv
// explain NAME`) and has a story that holds what its timeline looks like.
//
// The catalogue itself is data, in the YAML files beside this one; the fields are
// explained at the top of connections.yaml.
package branch

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"sync"

	"glasskv/trace/stages"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/yamlfile"
)

// Branch is one way that the path can take.
type Branch struct {
	// Name is the name by which demo and explain know it.
	Name string
	// Upstream names the functions where it is decided, as
	// "import/path.Symbol", the most telling one first.
	Upstream []string
	// Stage is where the timeline shows it best; None if no stage does.
	Stage stages.Stage
	// Story is the script below server/seam/testdata/stories that plays it, without
	// its ending.
	Story string

	entry *entry
}

// Text is what is said of a branch, in one language.
type Text struct {
	Title  string // a few words, for lists
	What   string // what happens, and why
	Client string // what the client sees, its status code first
	Look   string // what to look for in the timeline
}

// In returns the text in the reader's language. What does not exist in that language is
// English.
func (b *Branch) In(l lang.Lang) Text {
	return Text{b.entry.Title.In(l), b.entry.What.In(l), b.entry.Client.In(l), b.entry.Look.In(l)}
}

// All returns the branches in the order of the path. The caller may change the
// slice.
func All() []Branch { return slices.Clone(catalogue()) }

// Find returns the branch of that name; ok is false if no branch has it.
func Find(name string) (b Branch, ok bool) {
	all := catalogue()
	at := slices.IndexFunc(all, func(b Branch) bool { return b.Name == name })
	if at < 0 {
		return Branch{}, false
	}
	return all[at], true
}

//go:embed *.yaml
var embedded embed.FS

// files are the catalogue's parts in the order of the path.
var files = []string{"connections.yaml", "requests.yaml", "handlers.yaml", "limits.yaml", "endings.yaml"}

// catalogue reads the files once. It panics if there is a mistake in them; the tests
// of this package find it.
var catalogue = sync.OnceValue(func() []Branch {
	all, err := load(embedded, files)
	if err != nil {
		panic(err)
	}
	return all
})

// load reads the branches of all files. Every mistake begins with file:line.
func load(dir fs.FS, files []string) (all []Branch, err error) {
	names := make(map[string]bool)
	for _, file := range files {
		text, readErr := fs.ReadFile(dir, file)
		if readErr != nil {
			return nil, fmt.Errorf("read branches: %w", readErr)
		}
		var entries []entry
		root, loadErr := yamlfile.Load(file, text, &entries)
		if loadErr != nil {
			return nil, loadErr
		}
		for i := range entries {
			e := &entries[i]
			for _, problem := range e.problems(names) {
				err = errors.Join(err, fmt.Errorf("%s:%d: %s", file, root.Content[i].Line, problem))
			}
			all = append(all, e.branch())
		}
	}
	return all, err
}

// entry is a branch as its file writes it.
type entry struct {
	Name     string    `yaml:"name"`
	Stage    string    `yaml:"stage"`
	Story    string    `yaml:"story"`
	Upstream []string  `yaml:"upstream"`
	Title    lang.Text `yaml:"title"`
	What     lang.Text `yaml:"what"`
	Client   lang.Text `yaml:"client"`
	Look     lang.Text `yaml:"look"`
}

func (e *entry) branch() Branch {
	stage, _ := stages.ByName(e.Stage)
	return Branch{Name: e.Name, Upstream: e.Upstream, Stage: stage, Story: e.Story, entry: e}
}

const mostUpstream = 3 // functions that a page shows

var (
	kebabCase = regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	// brokenLine is what folding leaves of a line of Chinese that was broken.
	brokenLine = regexp.MustCompile(`[\p{Han}，。：；、“”（）] [\p{Han}，。：；、“”（）]`)
)

// problems returns what is wrong with an entry. It adds the entry's name to the names
// that are taken.
func (e *entry) problems(taken map[string]bool) (all []string) {
	report := func(format string, args ...any) {
		all = append(all, fmt.Sprintf("branch %q: ", e.Name)+fmt.Sprintf(format, args...))
	}
	if !kebabCase.MatchString(e.Name) {
		report("a name is small letters and hyphens")
	}
	if taken[e.Name] {
		report("the name is taken by another branch")
	}
	taken[e.Name] = true
	if _, known := stages.ByName(e.Name); known {
		report("the name is that of a stage")
	}
	if _, known := stages.ByName(e.Stage); !known && e.Stage != "" {
		report("no stage is called %q", e.Stage)
	}
	if e.Story == "" {
		report("no story")
	}
	if n := len(e.Upstream); n < 1 || n > mostUpstream {
		report("%d functions under upstream, want 1 to %d", n, mostUpstream)
	}
	for _, text := range []struct {
		name string
		in   lang.Text
	}{{"title", e.Title}, {"what", e.What}, {"client", e.Client}, {"look", e.Look}} {
		for _, l := range text.in.Unknown() {
			report("%s: field %s not found, and no language has this name", text.name, l)
		}
		for _, l := range lang.Languages {
			words := text.in[string(l)]
			switch {
			case words == "" && slices.Contains(lang.Complete, l):
				report("%s.%s is missing", text.name, l)
			case words != strings.TrimSpace(words):
				report("%s.%s begins or ends with a blank", text.name, l)
			case brokenLine.MatchString(words):
				report("%s.%s is broken into lines, which puts a blank into Chinese", text.name, l)
			}
		}
	}
	return all
}
