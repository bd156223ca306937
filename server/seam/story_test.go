package seam

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"glasskv/server/control"
	"glasskv/server/practice"
	"glasskv/server/serve/servetest"
	"glasskv/trace/record"

	"github.com/cockroachdb/datadriven"
	"go.etcd.io/raft/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
)

// Each script below testdata/stories tells what clients do to a real server and
// what the finished records look like: which stages, how they lie in one
// another, how well their edges are known, what the request waited in, what it
// did not reach. Times are not in them. To write what the server does now into
// the scripts: go test -run TestStories -rewrite.
//
//	story_test.go         the commands of the scripts
//	story_client_test.go  what clients do
//	story_streams_test.go what they do on a watch or keep-alive stream
//	story_services_test.go what they ask of locks, elections and maintenance
//	story_steer_test.go   breakpoints and faults, set and cleared
//	story_server_test.go  the server
//	story_gate_test.go    the gates at which its goroutines can be stopped
//	story_branch_test.go  what the branches of the path need besides
//	story_frames_test.go  and on connections that are written to by hand
//	story_shape_test.go   a record, printed; and what every record must fulfil
func TestStories(t *testing.T) {
	datadriven.Walk(t, "testdata/stories", func(t *testing.T, path string) {
		s := newStory(t)
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			t.Helper()
			command, ok := commands[d.Cmd]
			if !ok {
				d.Fatalf(t, "no such command")
			}
			own := *d // the next line of the script comes in the same place
			return command(s, words{t, &own})
		})
	})
}

// story is the world of one script.
type story struct {
	testing.TB
	node     *servetest.Node
	raft     raft.Node // without wrappers
	observer *Observer
	recorder *record.Recorder
	exported spanNames
	finished chan *record.Record
	events   chan control.Event // what was held, and let go
	early    []*record.Record   // finished before their turn
	last     *record.Record     // the one that was printed last
	held     int                // the hold that was told of last
	stopped  chan error         // what Stop returned
	health   chan *health.Server

	http      *http.Client
	practice  *practice.Service
	registrar grpc.ServiceRegistrar // the gRPC server, as services see it
	door      *practice.Door
	authority *servetest.Authority

	gates map[string]*gate
	tally tally

	conns   map[string]*grpc.ClientConn
	calls   map[string]*call
	raws    map[string]*storyRaw
	streams map[string]rawCall

	etcdStreams map[string]*etcdStream
	ignored     []string // attributes that are not shown
}

func newStory(t testing.TB) *story {
	return &story{
		TB: t, finished: make(chan *record.Record, 4096), events: make(chan control.Event, 256), stopped: make(chan error, 1), health: make(chan *health.Server, 1),
		gates:    map[string]*gate{"save": {}, "apply": {}, "answer": {}, "index": {}},
		practice: practice.New(), door: &practice.Door{},
		conns: map[string]*grpc.ClientConn{}, calls: map[string]*call{},
		raws: map[string]*storyRaw{}, streams: map[string]rawCall{},
		etcdStreams: map[string]*etcdStream{},
	}
}

// commands are the words that a script may begin a line with. Each one waits for
// what it causes and returns what there is to be seen.
var commands = map[string]func(*story, words) string{
	// serve [max-streams=N] [max-request-bytes=N] [redact] [shorten=DURATION]
	"serve": func(s *story, w words) string { s.serve(w); return "" },
	// block PLACE, arrive PLACE, unblock PLACE: close the gate at save, apply, index or
	// answer; wait until a goroutine waits there; let all of them go on.
	"block":   func(s *story, w words) string { s.gates[w.at(0)].close(); return "" },
	"arrive":  func(s *story, w words) string { s.gates[w.at(0)].arrive(s); return "" },
	"unblock": func(s *story, w words) string { s.gates[w.at(0)].open(); return "" },
	// proposed N: wait until raft has taken N entries from clients.
	"proposed": func(s *story, w words) string { s.tally.await(s, "proposed", w.number(0)); return "" },
	// joined N: wait until N readers wait for a read index.
	"joined": func(s *story, w words) string { s.tally.await(s, "joined", w.number(0)); return "" },
	// waiting N: wait until N locks or campaigns wait for those before them.
	"waiting": func(s *story, w words) string { s.tally.await(s, "waiting", w.number(0)); return "" },
	// parts HANDLER: what the last request's handler was made of, in order.
	"parts": func(s *story, w words) string { return s.parts(w) },
	// hung-up N: wait until N connections are over.
	"hung-up": func(s *story, w words) string { s.tally.await(s, "hung up", w.number(0)); return "" },
	// fill N: N entries of somebody else's go into the log at once.
	"fill": func(s *story, w words) string { s.fill(w.number(0)); return "" },
	// break STAGE [key=] [method=] [once]: set a breakpoint; unbreak: remove all. caught:
	// wait until somebody is held, and tell who. step, continue: have the last one go on.
	// behind: tell how many wait behind the one that is held.
	"break":    func(s *story, w words) string { s.setBreak(w); return "" },
	"unbreak":  func(s *story, _ words) string { s.must(s.observer.Steering().ClearBreak("")); return "" },
	"caught":   func(s *story, _ words) string { return s.caught() },
	"step":     func(s *story, _ words) string { s.must(s.observer.Steering().Step(s.held)); return "" },
	"continue": func(s *story, _ words) string { s.must(s.observer.Steering().Continue(s.held)); return "" },
	"behind":   func(s *story, _ words) string { return s.behind() },
	// health STATUS: the server says so to those who watch.
	"health": func(s *story, w words) string { s.say(w.at(0)); return "" },
	// stop [hard] [as=NAME]: in the background; stopped: wait for it.
	"stop":    func(s *story, w words) string { s.stop(w.has("hard")); return "" },
	"stopped": func(s *story, _ words) string { return fmt.Sprintln("stop:", s.awaitStop()) },

	// put, get, del, txn, compact, grant, call: a request, its reply and its record.
	// With as=NAME it is only sent; finish NAME waits for its end, cancel NAME
	// gives up. A quiet one does not show its record, a brief one only its head.
	"put":     (*story).request,
	"get":     (*story).request,
	"del":     (*story).request,
	"txn":     (*story).request,
	"compact": (*story).request,
	"grant":   (*story).request,
	"revoke":  (*story).request,
	"ttl":     (*story).request,
	"leases":  (*story).request,
	"call":    (*story).request,
	"watch":   (*story).request,
	// lock, unlock, campaign, proclaim, leader, resign, snapshot: likewise.
	"lock":     (*story).request,
	"unlock":   (*story).request,
	"campaign": (*story).request,
	"proclaim": (*story).request,
	"leader":   (*story).request,
	"resign":   (*story).request,
	"snapshot": (*story).request,
	// http METHOD PATH [host=] [lines=N] [headers]: a request over HTTP/1, with the
	// lines below it as its body.
	"http":    (*story).httpRequest,
	"finish":  func(s *story, w words) string { return s.finish(s.call(w.at(0)), w) },
	"cancel":  func(s *story, w words) string { s.call(w.at(0)).cancel(); return s.finish(s.call(w.at(0)), w) },
	"message": func(s *story, w words) string { return s.message(s.call(w.at(0))) },

	// open: a watch or keep-alive stream. create, unwatch, renew: a message and its
	// answer; event: the next message; leave NAME [half]: the client ends it.
	"open":    (*story).open,
	"create":  (*story).create,
	"unwatch": (*story).unwatch,
	"event":   (*story).event,
	"renew":   (*story).renew,
	"leave":   (*story).leave,
	// chunks FROM TO [limit=N]: a RangeStream, read to its end.
	"chunks": (*story).chunks,

	// raw [bare] [path=] [content-type=] [authority=] [grpc-timeout=]: a put, frame
	// by frame; ended NAME [alone]: wait for its end; drop CONN: hang up.
	"raw":   (*story).raw,
	"ended": (*story).rawEnded,
	"drop":  func(s *story, w words) string { s.must(s.raws[w.at(0)].Conn.Close()); return "" },

	// record: the next one that is finished; again: look at the last one once
	// more, when all that was proposed is applied.
	"record":   func(s *story, w words) string { return s.records(1, "", w) },
	"again":    func(s *story, _ words) string { s.drain(); return s.shape(s.last, false) },
	"exported": func(s *story, _ words) string { return s.exports() },
}

// words are a command's arguments.
type words struct {
	tb testing.TB
	*datadriven.TestData
}

// at returns the argument at a position; those that name a value stand behind.
func (w words) at(i int) string {
	if i >= len(w.CmdArgs) || len(w.CmdArgs[i].Vals) > 0 {
		w.Fatalf(w.tb, "argument %d is missing", i)
	}
	return w.CmdArgs[i].Key
}

func (w words) number(i int) int {
	n, err := strconv.Atoi(w.at(i))
	if err != nil {
		w.Fatalf(w.tb, "%v", err)
	}
	return n
}

func (w words) has(key string) bool { _, ok := w.Arg(key); return ok }

// named returns the value of key=value, or what it is by default.
func (w words) named(key, otherwise string) string {
	if arg, ok := w.Arg(key); ok {
		return strings.Join(arg.Vals, ",")
	}
	return otherwise
}

func (w words) namedNumber(key string) int {
	n, err := strconv.Atoi(w.named(key, "0"))
	if err != nil {
		w.Fatalf(w.tb, "%s: %v", key, err)
	}
	return n
}
