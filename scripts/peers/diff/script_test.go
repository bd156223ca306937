package diff

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// story is what both servers are told, and the flags that they are told it with.
type story struct {
	flags []string
	steps []step
}

// step is one line of a story.
type step struct {
	at    string // file and line
	text  string // as it is written
	does  verb
	name  string   // begin, wait, stop, await: which command
	lines int      // how many lines of output to wait for
	calls string   // the variable that the printed ID gets
	leave []string // the normalisers
	args  []string // program and arguments
	input string
}

// verb is what a step does with a command.
type verb string

const (
	run     verb = "run"     // to its end
	after   verb = "after"   // until it has printed enough
	begin   verb = "begin"   // and go on
	wait    verb = "wait"    // for output of one that runs
	stop    verb = "stop"    // one that runs
	await   verb = "await"   // the end of one that runs
	restart verb = "restart" // the server itself
)

// stories reads every file of testdata.
func stories(t *testing.T) map[string]story {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	all := make(map[string]story)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		if all[name], err = parse(name, string(text)); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// parse reads one story.
func parse(name, text string) (story, error) {
	var told story
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if flags, ok := strings.CutPrefix(line, "server with "); ok {
			told.flags = strings.Fields(flags)
			continue
		}
		if input, ok := strings.CutPrefix(line, "|"); ok && len(told.steps) > 0 {
			told.steps[len(told.steps)-1].input += strings.TrimPrefix(input, " ") + "\n"
			continue
		}
		s, err := parseStep(line)
		if err != nil {
			return told, fmt.Errorf("%s:%d: %q: %w", name, n, line, err)
		}
		s.at, s.text = fmt.Sprintf("%s:%d", name, n), line
		told.steps = append(told.steps, s)
	}
	return told, nil
}

var (
	afterWords = regexp.MustCompile(`^after (\d+) lines?: (.*)$`)
	beginWords = regexp.MustCompile(`^begin (\w+): (.*)$`)
	waitWords  = regexp.MustCompile(`^wait (\w+): (\d+) lines?$`)
	endWords   = regexp.MustCompile(`^(stop|await) (\w+)$`)
	callWords  = regexp.MustCompile(`^(\$[A-Z]+) = (.*)$`)
	leaveWords = regexp.MustCompile(`^\[([a-z ]+)\] (.*)$`)
)

// parseStep reads one line: what is left out and what is captured first, then
// what to do with which command.
func parseStep(line string) (s step, err error) {
	s.does = run
	if line == "restart the server" {
		s.does = restart
		return s, nil
	}
	if m := leaveWords.FindStringSubmatch(line); m != nil {
		s.leave, line = strings.Fields(m[1]), m[2]
	}
	for _, name := range s.leave {
		if normalisers[name] == nil {
			return s, fmt.Errorf("no normaliser %q", name)
		}
	}
	if m := callWords.FindStringSubmatch(line); m != nil {
		s.calls, line = m[1], m[2]
	}
	if m := afterWords.FindStringSubmatch(line); m != nil {
		s.does, line = after, m[2]
		s.lines, err = strconv.Atoi(m[1])
	} else if m := beginWords.FindStringSubmatch(line); m != nil {
		s.does, s.name, line = begin, m[1], m[2]
	} else if m := waitWords.FindStringSubmatch(line); m != nil {
		s.does, s.name = wait, m[1]
		s.lines, err = strconv.Atoi(m[2])
		return s, err
	} else if m := endWords.FindStringSubmatch(line); m != nil {
		s.does, s.name = verb(m[1]), m[2]
		return s, nil
	}
	if err != nil {
		return s, err
	}
	s.args, err = words(line)
	if err == nil && len(s.args) == 0 {
		err = errors.New("no command")
	}
	return s, err
}

var word = regexp.MustCompile(`^(?:'([^']*)'|"([^"]*)"|([^\s'"]+))(?:\s+|$)`)

// words splits a command as a shell would, as far as the stories need it:
// quotes are around whole words and know no escapes.
func words(line string) ([]string, error) {
	var all []string
	for line != "" {
		m := word.FindStringSubmatch(line)
		if m == nil {
			return nil, fmt.Errorf("quotes go around whole words: %s", line)
		}
		all = append(all, m[1]+m[2]+m[3])
		line = line[len(m[0]):]
	}
	return all, nil
}
