package diff

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"glasskv/scripts/peers/internal/twin"
)

// teller tells one story to one server.
type teller struct {
	t         *testing.T
	dir       string            // where commands run and leave their files
	addr      string            // of the server
	restart   func()            // the server
	variables map[string]string // $NAME to what it stands for
	beside    map[string]*command
	begun     map[string]step // the steps that began them
}

// large is more than a request may have, many are more operations than a
// transaction may, half is something between. The stories call them $LARGE,
// $MANY and $HALF.
var (
	large = strings.Repeat("x", 1700<<10)
	many  = strings.Repeat("get greeting\n", 129)
	half  = strings.Repeat("x", 500<<10)
)

// tell runs the steps against a server on a member and returns what each of
// them brought. A step that only waits has none.
func tell(t *testing.T, m *twin.Member, again func(), steps []step) []outcome {
	t.Helper()
	r := teller{
		t: t, dir: t.TempDir(), addr: m.Addr(), restart: again,
		variables: map[string]string{"$LARGE": large, "$HALF": half, "$MANY": strings.TrimSuffix(many, "\n"), "$ADDR": m.Addr(), "$PEER": m.Peer},
		beside:    map[string]*command{}, begun: map[string]step{},
	}
	outcomes := make([]outcome, len(steps))
	for i, s := range steps {
		got := r.step(s)
		if s.does == stop || s.does == await {
			s = r.begun[s.name] // it says what is left out
		}
		outcomes[i] = r.normalise(s, got)
	}
	for name := range r.beside {
		t.Errorf("%q is not ended by its story", name)
	}
	return outcomes
}

func (r *teller) step(s step) outcome {
	r.t.Helper()
	switch s.does {
	case restart:
		r.restart()
		return outcome{}
	case begin:
		r.beside[s.name], r.begun[s.name] = r.launch(s), s
		return outcome{}
	case wait:
		r.running(s).printed(r.t, s.lines)
		return outcome{}
	case stop, await:
		c := r.running(s)
		delete(r.beside, s.name)
		if s.does == stop {
			c.interrupt()
		}
		return c.end(0)
	default:
		c := r.launch(s)
		if s.does == after {
			c.printed(r.t, s.lines)
			c.interrupt()
		}
		return c.end(s.lines)
	}
}

func (r *teller) running(s step) *command {
	r.t.Helper()
	c := r.beside[s.name]
	if c == nil {
		r.t.Fatalf("%s: %q: nothing of that name runs", s.at, s.text)
	}
	return c
}

// launch starts a command. It learns from a variable whom to ask, unless its
// story says so itself: etcdctl does not take both.
func (r *teller) launch(s step) *command {
	r.t.Helper()
	env := []string{"ETCDCTL_ENDPOINTS=" + r.addr}
	args := make([]string, len(s.args))
	for i, arg := range s.args {
		args[i] = r.expand(arg)
		if strings.HasPrefix(arg, "--endpoints=") {
			env = nil
		}
	}
	return launch(r.t, r.dir, env, args, r.expand(s.input), s.does != run)
}

func (r *teller) expand(text string) string {
	for name, value := range r.variables {
		text = strings.ReplaceAll(text, name, value)
	}
	return text
}

var id = regexp.MustCompile(`\b[0-9a-f]{14,16}\b`)

// normalise leaves out of an outcome what its step says, and calls the IDs
// that were captured by their names, whichever way they are written.
func (r *teller) normalise(s step, o outcome) outcome {
	if s.calls != "" {
		r.variables[s.calls] = id.FindString(o.stdout)
		if r.variables[s.calls] == "" {
			r.t.Errorf("%s: %q printed no ID: %s%s", s.at, s.text, o.stdout, o.stderr)
			r.variables[s.calls] = "0"
		}
	}
	return o.each(func(text string) string {
		for name, value := range r.variables {
			if n, err := strconv.ParseUint(value, 16, 64); err == nil && n > 0 {
				text = strings.ReplaceAll(text, " "+padded(n), " "+name)
				text = strings.ReplaceAll(text, value, name)
				text = strings.ReplaceAll(text, strconv.FormatUint(n, 10), name)
			}
		}
		for _, name := range s.leave {
			text = normalisers[name](text)
		}
		return text
	})
}

// padded writes an ID as some commands do: one in sixteen begins with a space.
func padded(id uint64) string { return fmt.Sprintf("%16x", id) }

// each changes both texts of an outcome.
func (o outcome) each(change func(string) string) outcome {
	return outcome{change(o.stdout), change(o.stderr), o.exit}
}

// ask starts a server on a member, tells it a story and stops it.
func ask(t *testing.T, m *twin.Member, server string, told story) []outcome {
	t.Helper()
	p := m.Start(t, server, told.flags...)
	again := func() {
		p.Stop()
		p = m.Start(t, server, told.flags...)
	}
	outcomes := tell(t, m, again, told.steps)
	p.Stop()
	return outcomes
}
