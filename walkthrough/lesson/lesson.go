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

// Lesson is one lesson, as read from its file.
type Lesson struct {
	Name    string    `yaml:"-"` // the name of its folder
	Title   lang.Text `yaml:"title"`
	Order   int       `yaml:"order"`   // its place in the course
	Minutes int       `yaml:"minutes"` // how long it takes in class
	Server  Server    `yaml:"server"`  // the first one; a step may start another
	Steps   []*Step   `yaml:"steps"`

	file    string               // named in the errors about mistakes
	teacher map[lang.Lang]string // the teacher's page, as Markdown
}

// Step is one step. Exactly one of its fields is set.
type Step struct {
	Say      *lang.Text        `yaml:"say"`
	Server   *Server           `yaml:"server"`   // start a new, empty server in place of the last
	Do       *Requests         `yaml:"do"`       // requests
	Together []*Requests       `yaml:"together"` // several kinds at the same time
	InTurn   []*Requests       `yaml:"in-turn"`  // several kinds, one request of each in turn, so that all meet the same load
	Fault    *Fault            `yaml:"fault"`
	Hold     *Hold             `yaml:"hold"`
	Measure  map[string]string `yaml:"measure"` // formulas for numbers, by the names that they get
	Ask      *Ask              `yaml:"ask"`
	Reveal   string            `yaml:"reveal"` // the name of a question
	Show     *Show             `yaml:"show"`
	Claim    *Claim            `yaml:"claim"`
	Point    *Point            `yaml:"point"`
	Chapter  string            `yaml:"chapter"` // the stage whose chapter is shown

	kind string // the name of the field that is set, in the file's form
	line int    // the step's first line in the file
	code *code  // its compiled formulas and texts
}

// Server configures a lesson's server. The zero value is the demo's server.
type Server struct {
	TLS         bool   `yaml:"tls"`          // use TLS, with a certificate made for the run
	ThroughHTTP bool   `yaml:"through-http"` // serve TLS connections through net/http, as etcd does
	Workers     uint32 `yaml:"workers"`      // the number of grpc-go's stream workers
	MaxTxnOps   uint   `yaml:"max-txn-ops"`
	Cold        bool   `yaml:"cold"`  // make no requests before the lesson's
	Quiet       bool   `yaml:"quiet"` // do not print its log: the lesson provokes errors
}

// Requests describes requests to make, all of one kind.
type Requests struct {
	Name         string        `yaml:"name"`         // the name of their result
	Op           string        `yaml:"op"`           // put, get, txn, page, panic or call
	Count        int           `yaml:"count"`        // how many requests; default 1
	Clients      int           `yaml:"clients"`      // how many clients make them at the same time; default 1
	Connection   string        `yaml:"connection"`   // shared, fresh or each
	Key          string        `yaml:"key"`          // default "lesson"
	Value        Size          `yaml:"value"`        // size of the value to write or, for op page, of the reply; default 16
	Text         string        `yaml:"text"`         // the value to write, instead of Value
	Ops          int           `yaml:"ops"`          // for op txn: how many puts a transaction contains
	Method       string        `yaml:"method"`       // for op call: the full method name
	Serializable bool          `yaml:"serializable"` // for op get
	Deadline     time.Duration `yaml:"deadline"`     // the deadline of each request; default none
	Fails        []string      `yaml:"fails"`        // the gRPC codes with which requests may fail; any other code ends the lesson
	After        time.Duration `yaml:"after"`        // in together: how long these requests wait before they begin
	Until        string        `yaml:"until"`        // in together: repeat these requests until those of this name are over; Count is ignored
	Watchers     int           `yaml:"watchers"`     // for op put: how many streams watch the key during the puts
	Link         time.Duration `yaml:"link"`         // network delay in each direction
	Window       Size          `yaml:"window"`       // the client's HTTP/2 flow-control windows, of the stream and of the connection
}

// The values of Requests.Connection.
const (
	connShared = "shared" // one connection for the whole lesson, which is already open
	connFresh  = "fresh"  // a new connection for the step, which the first request opens
	connEach   = "each"   // a new connection for each request
)

// Size is a number of bytes, written in the form 64KiB.
type Size int64

// UnmarshalText parses a size.
func (s *Size) UnmarshalText(text []byte) error {
	n, err := humanize.ParseBytes(string(text))
	*s = Size(n)
	return err
}

// Ask asks for a prediction: one of the choices or, without choices, a number.
type Ask struct {
	Name     string    `yaml:"name"` // the name by which the reveal step refers to it
	Question lang.Text `yaml:"question"`
	Choices  []Choice  `yaml:"choices"`
	Answer   string    `yaml:"answer"` // the formula for the number
	Unit     lang.Text `yaml:"unit"`   // the unit of the number
}

// Choice is one of the answers to a question.
type Choice struct {
	Text  lang.Text `yaml:",inline"`
	Right string    `yaml:"right"` // a condition; the right choice is the first for which it holds
}

// Show shows a request, a result, or results side by side. Exactly one of Timeline,
// Table and Beside is set.
type Show struct {
	Timeline string        `yaml:"timeline"` // a formula for one request
	Fold     time.Duration `yaml:"fold"`     // for a timeline: leave out shorter stages; default a fixed part of the request
	Table    string        `yaml:"table"`    // a formula for a result
	Beside   []Beside      `yaml:"beside"`
}

// Beside is a column of the results side by side.
type Beside struct {
	Title lang.Text `yaml:"title"`
	Of    string    `yaml:"of"` // a formula for a result or a request
}

// Claim states what the run has shown.
type Claim struct {
	Text  lang.Text `yaml:"text"`
	Check string    `yaml:"check"` // the condition under which the claim holds
}

// Point points to a place in the source; see package source for symbols and anchors.
type Point struct {
	Symbol string    `yaml:"symbol"`
	Anchor string    `yaml:"anchor"`
	Note   lang.Text `yaml:"note"`
}

//go:embed lessons
var embedded embed.FS

// The files of a lesson's folder.
const (
	lessonFile  = "lesson.yaml"
	teacherFile = "teacher.md" // in English; see teacherFileIn
)

// teacherFileIn returns the name of the teacher's page in a language.
func teacherFileIn(l lang.Lang) string {
	if l == lang.EN {
		return teacherFile
	}
	return "teacher." + string(l) + ".md"
}

// All returns the lessons of the course in their order. An error is a mistake in a
// lesson, which a test would have found.
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

// LoadFile reads a lesson from its folder, or from its lesson.yaml alone, without a
// teacher's page.
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
	for _, in := range lang.Languages {
		switch text, err := fs.ReadFile(dir, teacherFileIn(in)); {
		case err == nil:
			l.teacher[in] = string(text)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("read teacher's page: %w", err)
		}
	}
	return l, nil
}

// parse parses and checks a lesson. The error joins all mistakes; each begins with
// file:line.
func parse(text []byte, name, file string) (*Lesson, error) {
	l := &Lesson{Name: name, file: file}
	root, err := yamlfile.Load(file, text, l)
	if err != nil {
		return nil, err
	}
	l.setLines(root)
	if err := l.check(); err != nil {
		return nil, err
	}
	return l, nil
}

// setLines sets the line of each step.
func (l *Lesson) setLines(root *yaml.Node) {
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

// mistake returns an error with the file and line of a step.
func (l *Lesson) mistake(s *Step, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %w", l.file, s.line, fmt.Errorf(format, args...))
}
