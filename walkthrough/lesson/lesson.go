package lesson

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"go.yaml.in/yaml/v4"

	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/yamlfile"
)

// Lesson is one lesson as its file says it.
type Lesson struct {
	Name    string  `yaml:"-"` // of its folder
	Title   Text    `yaml:"title"`
	Order   int     `yaml:"order"`   // its place in the course
	Minutes int     `yaml:"minutes"` // that it takes in class
	Server  Server  `yaml:"server"`  // the first one; a step may start another
	Steps   []*Step `yaml:"steps"`

	file    string // for mistakes
	teacher map[lang.Lang]string
}

// Text is what is said, in both languages.
type Text struct {
	EN string `yaml:"en"`
	ZH string `yaml:"zh"`
}

// In returns the text of a language.
func (t Text) In(l lang.Lang) string { return l.Pick(t.EN, t.ZH) }

// Step is one step. Exactly one of its fields is set.
type Step struct {
	Say      *Text             `yaml:"say"`
	Server   *Server           `yaml:"server"`   // a new server, empty; the one before is gone
	Do       *Requests         `yaml:"do"`       // requests
	Together []*Requests       `yaml:"together"` // several kinds at the same time
	InTurn   []*Requests       `yaml:"in-turn"`  // one of each kind after the other, so that all see the same machine
	Fault    *Fault            `yaml:"fault"`
	Hold     *Hold             `yaml:"hold"`
	Measure  map[string]string `yaml:"measure"` // names for numbers
	Ask      *Ask              `yaml:"ask"`
	Reveal   string            `yaml:"reveal"` // the name of what was asked
	Show     *Show             `yaml:"show"`
	Claim    *Claim            `yaml:"claim"`
	Point    *Point            `yaml:"point"`
	Chapter  string            `yaml:"chapter"` // a stage

	kind string // the field that is set, as the file calls it
	line int    // where the step begins
	code *code  // its formulas
}

// Server says what is different about a server. The zero value is the demo's.
type Server struct {
	TLS         bool   `yaml:"tls"`          // secured, with a certificate made for the run
	ThroughHTTP bool   `yaml:"through-http"` // TLS connections are net/http's, as etcd has it
	Workers     uint32 `yaml:"workers"`      // stream workers
	MaxTxnOps   uint   `yaml:"max-txn-ops"`
	Cold        bool   `yaml:"cold"`  // the first requests it ever sees are the lesson's
	Quiet       bool   `yaml:"quiet"` // what it complains of is the lesson, so its log is not shown
}

// Requests says which requests are made.
type Requests struct {
	Name         string        `yaml:"name"`         // of the result
	Op           string        `yaml:"op"`           // one of the operations
	Count        int           `yaml:"count"`        // how many in all; 1 unless given
	Clients      int           `yaml:"clients"`      // how many at a time; 1 unless given
	Connection   string        `yaml:"connection"`   // shared, fresh or each
	Key          string        `yaml:"key"`          // "lesson" unless given
	Value        Size          `yaml:"value"`        // bytes that are written, or for op page that are asked for; 16 unless given
	Text         string        `yaml:"text"`         // what is written, instead of so many bytes
	Ops          int           `yaml:"ops"`          // of op txn: how many puts it holds
	Method       string        `yaml:"method"`       // of op call
	Serializable bool          `yaml:"serializable"` // of op get
	Deadline     time.Duration `yaml:"deadline"`     // that the client sets; none unless given
	Fails        []string      `yaml:"fails"`        // the gRPC codes with which requests may fail; others end the lesson
	After        time.Duration `yaml:"after"`        // in a step with others: how much later it begins
	Until        string        `yaml:"until"`        // in a step with others: again and again until that one is over
	Watchers     int           `yaml:"watchers"`     // of op put: streams that watch the key meanwhile
	Link         time.Duration `yaml:"link"`         // how long every byte is under way, in each direction
	Window       Size          `yaml:"window"`       // how much the client lets the server send ahead
}

// How a client's connection is made.
const (
	connShared = "shared" // one for the whole lesson; it is open already
	connFresh  = "fresh"  // a new one, which the first request opens
	connEach   = "each"   // a new one for every request
)

// Size is a number of bytes, written as 64KiB.
type Size int64

// UnmarshalText reads a size.
func (s *Size) UnmarshalText(text []byte) error {
	n, err := humanize.ParseBytes(string(text))
	*s = Size(n)
	return err
}

// Ask asks for a prediction: one of the choices, or a number where there are none.
type Ask struct {
	Name     string   `yaml:"name"` // by which it is revealed
	Question Text     `yaml:"question"`
	Choices  []Choice `yaml:"choices"`
	Answer   string   `yaml:"answer"` // the formula for the number
	Unit     Text     `yaml:"unit"`   // of the number
}

// Choice is an answer to choose.
type Choice struct {
	Text  `yaml:",inline"`
	Right string `yaml:"right"` // a condition; the first choice whose holds is the right one
}

// Show shows a request, many requests, or results side by side. One of its fields
// is set, Fold apart.
type Show struct {
	Timeline string        `yaml:"timeline"` // a formula for one request
	Fold     time.Duration `yaml:"fold"`     // of a timeline: leave out shorter stages
	Table    string        `yaml:"table"`    // a formula for a result
	Beside   []Beside      `yaml:"beside"`
}

// Beside is a column of what is shown side by side.
type Beside struct {
	Title Text   `yaml:"title"`
	Of    string `yaml:"of"` // a formula for a result or a request
}

// Claim says what the run has shown, and how that is checked.
type Claim struct {
	Text  Text   `yaml:"text"`
	Check string `yaml:"check"`
}

// Point is a place in the source.
type Point struct {
	Symbol string `yaml:"symbol"`
	Anchor string `yaml:"anchor"`
	Note   Text   `yaml:"note"`
}

//go:embed lessons
var embedded embed.FS

// The files of a lesson's folder.
const (
	lessonFile    = "lesson.yaml"
	teacherFile   = "teacher.md"
	teacherFileZH = "teacher.zh.md"
)

// All returns the lessons of the course in their order. An error is a mistake in
// one of them, which a test finds first.
func All() ([]*Lesson, error) {
	dirs, err := fs.ReadDir(embedded, "lessons")
	if err != nil {
		return nil, err
	}
	var all []*Lesson
	for _, dir := range dirs {
		sub, err := fs.Sub(embedded, path.Join("lessons", dir.Name()))
		if err != nil {
			return nil, err
		}
		l, err := load(sub, dir.Name(), path.Join("lessons", dir.Name(), lessonFile))
		if err != nil {
			return nil, err
		}
		all = append(all, l)
	}
	slices.SortStableFunc(all, func(a, b *Lesson) int { return a.Order - b.Order })
	return all, nil
}

// LoadFile reads a lesson from a folder, or from a file alone, which has no
// teacher's page then.
func LoadFile(name string) (*Lesson, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("read lesson: %w", err)
	}
	if info.IsDir() {
		return load(os.DirFS(name), filepath.Base(name), filepath.Join(name, lessonFile))
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read lesson: %w", err)
	}
	return parse(text, strings.TrimSuffix(filepath.Base(name), filepath.Ext(name)), name)
}

func load(dir fs.FS, name, file string) (*Lesson, error) {
	text, err := fs.ReadFile(dir, lessonFile)
	if err != nil {
		return nil, fmt.Errorf("read lesson: %w", err)
	}
	l, err := parse(text, name, file)
	if err != nil {
		return nil, err
	}
	l.teacher = make(map[lang.Lang]string)
	for in, page := range map[lang.Lang]string{lang.EN: teacherFile, lang.ZH: teacherFileZH} {
		switch text, err := fs.ReadFile(dir, page); {
		case err == nil:
			l.teacher[in] = string(text)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("read teacher's page: %w", err)
		}
	}
	return l, nil
}

// parse reads and checks a lesson. Every mistake in it begins with file:line.
func parse(text []byte, name, file string) (*Lesson, error) {
	l := &Lesson{Name: name, file: file}
	root, err := yamlfile.Load(file, text, l)
	if err != nil {
		return nil, err
	}
	l.placeSteps(root)
	if err := l.check(); err != nil {
		return nil, err
	}
	return l, nil
}

// placeSteps notes the line of every step.
func (l *Lesson) placeSteps(root *yaml.Node) {
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value != "steps" {
			continue
		}
		for n, item := range root.Content[i+1].Content {
			if n < len(l.Steps) && l.Steps[n] != nil {
				l.Steps[n].line = item.Line
			}
		}
	}
}

// mistake is an error at a step.
func (l *Lesson) mistake(s *Step, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %w", l.file, s.line, fmt.Errorf(format, args...))
}
