package walk

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/cockroachdb/datadriven"
	"github.com/spf13/pflag"

	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/show"
	"glasskv/walkthrough/source"
	"glasskv/walkthrough/timelinetest"
	"glasskv/walkthrough/walk/tour"
)

// Each file in testdata is a story: chapters and source of a module that does not
// exist are written, requests are told, and somebody walks through them. Run with
// -rewrite and review the difference as text.
func TestStories(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		s := newStory(t)
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			return s.tell(t, d)
		})
	})
}

// story is what has been told so far.
type story struct {
	t        *testing.T
	cache    string
	chapters map[lang.Lang]map[stages.Stage]*chapter.Chapter
	requests []*trace.Timeline
	model    *model
	left     bool
}

func newStory(t *testing.T) *story {
	return &story{t: t, cache: t.TempDir(), chapters: map[lang.Lang]map[stages.Stage]*chapter.Chapter{lang.EN: {}, lang.ZH: {}}}
}

func (s *story) tell(t *testing.T, d *datadriven.TestData) string {
	s.t = t
	switch d.Cmd {
	case "source":
		return s.writeSource(d)
	case "chapter":
		return s.writeChapter(d)
	case "request":
		tl, err := timelinetest.Parse(d.Input)
		if err != nil {
			d.Fatalf(t, "%v", err)
		}
		s.requests = append(s.requests, tl)
		return fmt.Sprintf("%d stops", len(tour.New(tl, nil).Stops))
	case "screen":
		return s.open(d)
	case "press":
		for _, k := range d.CmdArgs {
			s.press(k.Key)
		}
		return s.look()
	case "plain", "json":
		return s.print(d)
	}
	d.Fatalf(t, "unknown command %q", d.Cmd)
	return ""
}

// writeSource puts a file into the module cache of the story.
func (s *story) writeSource(d *datadriven.TestData) string {
	var name string
	d.ScanArgs(s.t, "file", &name)
	file := filepath.Join(s.cache, "example.com", "upstream@v1.2.3", name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(d.Input, "    ", "\t")+"\n"), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return ""
}

func (s *story) writeChapter(d *datadriven.TestData) string {
	var l, stage string
	d.ScanArgs(s.t, "lang", &l)
	d.ScanArgs(s.t, "stage", &stage)
	c, problems := chapter.Parse(l+"/"+stage+".md", d.Input)
	s.chapters[lang.Lang(l)][c.Stage] = c
	return fmt.Sprint(problems)
}

func (s *story) book(st stages.Stage, l lang.Lang) (*chapter.Chapter, bool) {
	c, ok := s.chapters[l][st]
	return c, ok
}

// options are those of the command line that the story's line tells.
func (s *story) options(d *datadriven.TestData) *options {
	o := &options{Show: show.New(), Book: s.book, Request: "put", Library: source.New(source.Places{
		Cache: s.cache, Versions: map[string]string{"example.com/upstream": "v1.2.3", "example.com/absent": "v0.1.0"},
	})}
	fs := pflag.NewFlagSet("", pflag.ContinueOnError)
	o.Show.AddFlags(fs)
	var args []string
	for _, a := range d.CmdArgs {
		switch a.Key {
		case "lang", "width", "color":
			args = append(args, "--"+a.Key, a.Vals[0])
		case "stage":
			o.Stage, _ = stages.ByName(a.Vals[0])
		}
	}
	if d.Cmd == "json" {
		args = append(args, "--output", "json")
	}
	if err := fs.Parse(args); err != nil {
		s.t.Fatal(err)
	}
	return o
}

func (s *story) open(d *datadriven.TestData) string {
	var width, height int
	d.ScanArgs(s.t, "width", &width)
	d.ScanArgs(s.t, "height", &height)
	s.model = newModel(s.t.Context(), s.options(d), s.requests)
	s.left = false
	s.send(tea.WindowSizeMsg{Width: width, Height: height})
	return s.look()
}

func (s *story) press(key string) { s.send(keyPress(key)) }

// send gives the model a message, and what its commands bring, until there is no
// more to do.
func (s *story) send(msg tea.Msg) {
	_, cmd := s.model.Update(msg)
	s.run(cmd)
}

func (s *story) run(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	switch msg := cmd().(type) {
	case tea.BatchMsg:
		for _, c := range msg {
			s.run(c)
		}
	case tea.QuitMsg:
		s.left = true
	case nil:
	default:
		s.send(msg)
	}
}

// look returns the screen without its colours, and checks that it is one.
func (s *story) look() string {
	if s.left {
		return "left"
	}
	checkScreen(s.t, s.model)
	var b strings.Builder
	for line := range strings.SplitSeq(ansi.Strip(s.model.screen()), "\n") {
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

// checkScreen wants as many lines as the screen has, none wider, and no sequence
// but those of colours.
func checkScreen(t *testing.T, m *model) {
	t.Helper()
	text := m.screen()
	lines := strings.Split(text, "\n")
	if m.width >= leastWidth && m.height >= leastHeight && len(lines) != m.height {
		t.Fatalf("%d×%d: %d lines:\n%s", m.width, m.height, len(lines), text)
	}
	for i, line := range lines {
		if w := ansi.StringWidth(line); w > m.width {
			t.Fatalf("%d×%d: line %d has %d columns: %q", m.width, m.height, i, w, line)
		}
		if rest := colours.ReplaceAllString(line, ""); strings.ContainsFunc(rest, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			t.Fatalf("%d×%d: line %d moves the cursor: %q", m.width, m.height, i, line)
		}
	}
}

// print writes what goes into a pipe. Times and paths of this machine are told
// nowhere in it.
func (s *story) print(d *datadriven.TestData) string {
	o := s.options(d)
	var out bytes.Buffer
	o.Out = &out
	from := &origin{requests: s.requests}
	write := writePlain
	if d.Cmd == "json" {
		write = writeJSON
	}
	if err := o.writeTours(from, write); err != nil {
		s.t.Fatal(err)
	}
	text := out.String()
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\n' }) {
		s.t.Errorf("control characters in a pipe: %q", text)
	}
	if d.Cmd == "plain" {
		var width int
		d.ScanArgs(s.t, "width", &width)
		for line := range strings.Lines(text) {
			if w := screen.Width(strings.TrimSuffix(line, "\n")); w > width {
				s.t.Errorf("%d columns: %s", w, line)
			}
		}
	}
	return strings.ReplaceAll(text, strconv.Quote(s.cache)[1:len(s.cache)+1], "CACHE")
}

var keyCodes = map[string]rune{
	"right": tea.KeyRight, "left": tea.KeyLeft, "up": tea.KeyUp, "down": tea.KeyDown, "tab": tea.KeyTab, "enter": tea.KeyEnter,
	"esc": tea.KeyEscape, "backspace": tea.KeyBackspace, "pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown, "home": tea.KeyHome, "end": tea.KeyEnd,
}

func keyPress(name string) tea.KeyPressMsg {
	switch code, special := keyCodes[name]; {
	case special:
		return tea.KeyPressMsg{Code: code}
	case name == "space":
		return tea.KeyPressMsg{Code: tea.KeySpace, Text: " "}
	case name == "ctrl+c":
		return tea.KeyPressMsg{Code: 'c', Mod: tea.ModCtrl}
	}
	code, _ := utf8.DecodeRuneInString(name)
	return tea.KeyPressMsg{Code: code, Text: name}
}

// parse tells one request.
func parse(t testing.TB, text string) *trace.Timeline {
	t.Helper()
	tl, err := timelinetest.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return tl
}

func newOptions(ctx context.Context, t testing.TB) *options {
	t.Helper()
	library, err := source.ForModule(ctx, "../..")
	if err != nil {
		t.Fatal(err)
	}
	return &options{Show: show.New(), Book: chapter.Of, Library: library, Request: "put"}
}

// colours are the only sequences that may be written.
var colours = regexp.MustCompile(`\x1b\[[0-9;:]*m`)

// hostile is a request of a client that would like to move the cursor.
const hostile = `request /etcdserverpb.KV/Put "OK\x1b[2J" 1.14ms observer=client conn=1 new key="\x1b]0;owned\x07\u202e\n键"
client.dial 0us 268us
net.accept 31us 52us
grpc.serveStreams 266us 1.14ms open
grpc.handleStream 389us 1.091ms
grpc.processRPC 390us 1.090ms
v3rpc.Put 402us 1.074ms
"evil\x1b[H\x9b2J" 405us 406us in=v3rpc.Put
wal.save 566us 876us
wal.sync 573us 875us shared=12
part "/evil\x1b[H/\x1b[2J" OK 600us 700us under=v3rpc.Put key="\x1bc"
net.request 610us 620us part=1
not grpc.handleRawConn "\x1b[H"
`

// Somebody presses keys at random on screens of every size, with the real chapters
// and, where it is on this disk, the real source.
func TestEveryScreenFitsWhateverIsPressed(t *testing.T) {
	keys := []string{
		"right", "left", "n", "p", "g", "G", "up", "down", "pgup", "pgdown", "space", "home", "end", "tab", "[", "]", "s", "c", "e", "h",
		"backspace", "/", "o", "r", "m", "l", "?", "esc", "enter", "1", "2", "w", "键", "\u202e", "x",
	}
	random := rand.New(rand.NewPCG(1, 2))
	requests := []*trace.Timeline{parse(t, hostile), parse(t, hostile)}
	o := newOptions(t.Context(), t)
	s := newStory(t)
	s.model = newModel(t.Context(), o, requests)
	for range 25 {
		size := tea.WindowSizeMsg{Width: 1 + random.IntN(220), Height: 1 + random.IntN(60)}
		s.send(size)
		for range 30 {
			s.press(keys[random.IntN(len(keys))])
			checkScreen(t, s.model)
			if s.left { // Esc where one has to choose
				s.left, s.model = false, newModel(t.Context(), o, requests)
				s.send(size)
			}
		}
	}
}

// Every stage has a screen in both languages, at every stop and beyond.
func TestEveryStageCanBeWalkedTo(t *testing.T) {
	for _, l := range []lang.Lang{lang.EN, lang.ZH} {
		for _, size := range []tea.WindowSizeMsg{{Width: 80, Height: 24}, {Width: 160, Height: 50}} {
			t.Run(fmt.Sprintf("%s, %d columns", l, size.Width), func(t *testing.T) {
				s := newStory(t)
				s.model = newModel(t.Context(), newOptions(t.Context(), t), []*trace.Timeline{parse(t, hostile)})
				s.model.lang = l
				s.send(size)
				for _, spec := range stages.Specs() {
					s.model.goTo(spec.Stage)
					s.send(nil)
					checkScreen(t, s.model)
					s.press("tab")
					checkScreen(t, s.model)
				}
			})
		}
	}
}

// The standard library is that of the Go release at hand. Where it is another one than
// the chapter was written for, both the text and the screen say so.
func TestCodeThatTheChapterIsNotAboutIsToldApart(t *testing.T) {
	std := t.TempDir()
	if err := os.Mkdir(filepath.Join(std, "net"), 0o700); err != nil {
		t.Fatal(err)
	}
	const other = "package net\n\nfunc (fd *netFD) accept() { panic(\"another release\") }\n"
	if err := os.WriteFile(filepath.Join(std, "net", "fd_unix.go"), []byte(other), 0o600); err != nil {
		t.Fatal(err)
	}
	const remark = "The chapter was written for go1."
	request := parse(t, "request /etcdserverpb.KV/Put OK 1.14ms observer=client conn=1\nnet.accept 31us 52us\n")
	for _, says := range []bool{false, true} {
		o := newOptions(t.Context(), t)
		if says {
			o.Library = source.New(source.Places{Std: std})
		}
		var out bytes.Buffer
		o.Out = &out
		if err := o.writeTours(&origin{requests: []*trace.Timeline{request}}, writePlain); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(out.String(), remark) != says {
			t.Errorf("the text, want it to say so: %v\n%s", says, out.String())
		}
		s := newStory(t)
		s.model = newModel(t.Context(), o, s.requests)
		s.model.begin(request)
		s.send(tea.WindowSizeMsg{Width: 120, Height: 40})
		if strings.Contains(s.look(), remark) != says {
			t.Errorf("the screen, want it to say so: %v\n%s", says, s.look())
		}
	}
}
