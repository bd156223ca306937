// Package demo shows what GlassKV is in a few seconds: it starts a whole server
// in this process, is a real gRPC client of it, and prints the timelines of five
// requests that differ, then how long each stage takes over a few hundred.
//
//	command.go   the command and its flags
//	demo.go      the tour: its scenes, and what is printed around them
//	requests.go  the requests of the scenes
//	server.go    the server and its data, also for other packages
//	act.go       how a branch of the path is played and shown
//	acts.go      how to play each branch
//	wire.go      a client that writes HTTP/2 frames one by one
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"go.uber.org/zap"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	"glasskv/trace"
	"glasskv/walkthrough/branch"
	"glasskv/walkthrough/client"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/show"
	"glasskv/walkthrough/summary"
)

// Options are the options of Run.
type Options struct {
	Only string      // the name of a scene or branch; empty: all scenes, one after the other
	Show *show.Flags // language, width, colours, output
	Log  *zap.Logger // the server's log
}

// demo is one run.
type demo struct {
	Options
	out    io.Writer
	screen screen.Options
	number int // the number of the current scene, from 1
}

// Run starts a server, makes the requests and prints to w. When it returns, also
// after ctx has ended, the server is stopped and its data is removed.
//
// As JSON it prints the timelines alone, one per line. It prints the table's rows
// only if Only is the table.
func Run(ctx context.Context, w io.Writer, o Options) (err error) {
	d := &demo{Options: o, out: w, screen: o.Show.Screen(w)}
	if b, ok := branch.Find(o.Only); ok {
		return d.playBranch(ctx, b)
	}
	s, err := startServer(ctx, o.Log)
	if err != nil {
		return fmt.Errorf("start the demo's server: %w", err)
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	if err := s.warmUp(ctx); err != nil {
		return err
	}
	c, err := client.Dial(client.Options{Endpoints: []string{s.addr()}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if err := d.opening(s); err != nil {
		return err
	}
	return d.play(ctx, &requests{kv: pb.NewKVClient(c), client: c})
}

// play shows the scenes that the options ask for.
func (d *demo) play(ctx context.Context, r *requests) error {
	if d.Only != "" && d.Only != scenePut {
		// Only the first scene shows how the connection is opened.
		if _, err := r.put(ctx); err != nil {
			return fmt.Errorf("open the connection: %w", err)
		}
	}
	for i, scene := range scenes {
		if d.number = i + 1; d.Only == "" || d.Only == scene.name {
			if err := d.show(ctx, r, scene); err != nil {
				return fmt.Errorf("scene %s: %w", scene.name, err)
			}
		}
	}
	if d.number++; d.Only == sceneTable || (d.Only == "" && !d.Show.JSON()) {
		if err := d.table(ctx, r); err != nil {
			return fmt.Errorf("scene %s: %w", sceneTable, err)
		}
	}
	if d.Only == "" {
		return d.hints()
	}
	return nil
}

// show makes the request of a scene and prints its timeline.
func (d *demo) show(ctx context.Context, r *requests, scene scene) error {
	t, err := scene.request(r, ctx)
	if err != nil {
		return err
	}
	if err := d.introduce(scene.name, scene.intro(d.screen.Lang, t)); err != nil {
		return err
	}
	return d.Show.Print(d.out, t)
}

// table makes a few hundred requests and prints how long their stages took.
func (d *demo) table(ctx context.Context, r *requests) error {
	all, err := r.many(ctx)
	if err != nil {
		return err
	}
	if err := d.introduce(sceneTable, introduceTable(d.screen.Lang)); err != nil {
		return err
	}
	if d.Show.JSON() {
		return summary.WriteJSON(d.out, summary.Summarize(all))
	}
	return summary.Table(d.out, summary.Summarize(all), d.screen)
}

// introduce prints a rule with the scene's name, and the introduction.
func (d *demo) introduce(name, intro string) error {
	columns := d.screen.Columns(d.out)
	title := fmt.Sprintf("── %d · %s ", d.number, name)
	return d.say(func(out *screen.Writer) {
		out.Line()
		out.Line(screen.Dim.Paint(title + strings.Repeat("─", max(0, columns-screen.Width(title)))))
		for _, line := range screen.Wrap(intro, columns) {
			out.Line(line)
		}
		out.Line()
	})
}

// opening prints what kind of server the tour shows.
func (d *demo) opening(s *server) error {
	l := d.screen.Lang
	text := l.Say(
		"A whole server in this process, on %s, with real fsync in %s (removed at the end), and a gRPC client of it.",
		"本进程内有一个完整的服务器，地址 %s，在 %s 上真实地 fsync（结束时删除），还有它的一个 gRPC 客户端。", s.addr(), s.data.path)
	if s.data.memory {
		text = l.Say(
			"A whole server in this process, on %s, and a gRPC client of it. Its data is in %s, which is memory: an fsync costs nothing there. Set TMPDIR to a directory on a disk.",
			"本进程内有一个完整的服务器，地址 %s，还有它的一个 gRPC 客户端。数据目录 %s 在内存里，fsync 没有代价；请把 TMPDIR 设为磁盘上的目录。", s.addr(), s.data.path)
	}
	return d.say(func(out *screen.Writer) {
		out.Line(screen.Strong.Paint(l.Pick("GlassKV: one request, seen whole", "GlassKV：完整地看见一个请求")))
		for _, line := range screen.Wrap(text, d.screen.Columns(d.out)) {
			out.Line(screen.Dim.Paint(line))
		}
	})
}

// say prints text that is not part of a timeline. As JSON it prints nothing.
func (d *demo) say(write func(*screen.Writer)) error {
	if d.Show.JSON() {
		return nil
	}
	out := screen.NewWriter(d.out, d.screen)
	write(out)
	return out.Close()
}

// scene is one request of the tour.
type scene struct {
	name    string
	request func(*requests, context.Context) (*trace.Timeline, error)
	// intro returns the introduction. It is printed when the request is over and may
	// use its timeline, which is nil in a list of scenes.
	intro func(lang.Lang, *trace.Timeline) string
}

// The names of the first scene, which opens the connection, and of the last scene,
// which is a table of many requests.
const (
	scenePut   = "put"
	sceneTable = "table"
)

// scenes are the scenes in their order, without the table.
var scenes = []scene{
	{scenePut, (*requests).put, always(
		"A Put on a new connection: before the request can leave, accept, handleRawConn and serveStreams have to happen, once.",
		"新连接上的一次 Put：请求发出之前，accept、handleRawConn、serveStreams 要先走一遍，而且只走这一遍。")},
	{"reused", (*requests).put, always(
		"A Put on the same connection: it is reused, and only the request's own stages are left.",
		"同一连接上的又一次 Put：连接被复用，只剩下请求自己的阶段。")},
	{"range", (*requests).read, always(
		"A linearizable Range: nothing goes to the log, but the server first asks raft how far it has to have applied.",
		"一次线性一致的 Range：不写日志，但服务器先要向 raft 确认自己应当应用到哪里。")},
	{"unknown", (*requests).unknown, always(
		"A call to a method that does not exist: no handler runs, and yet the request has its timeline.",
		"调用一个不存在的方法：没有任何 handler 运行，请求却同样有自己的时间线。")},
	{"shared", (*requests).shared, introduceShared},
}

func always(en, zh string) func(lang.Lang, *trace.Timeline) string {
	return func(l lang.Lang, _ *trace.Timeline) string { return l.Pick(en, zh) }
}

func introduceShared(l lang.Lang, t *trace.Timeline) string {
	if t == nil {
		return l.Say("One of %d Puts at the same moment, which share an fsync.", "%d 个并发 Put 之一，它们共用一次 fsync。", together)
	}
	return l.Say(
		"One of %d Puts at the same moment: %d of them went to the disk together, in one fdatasync.",
		"%d 个并发 Put 之一：其中 %d 个在同一次 fdatasync 里一起落盘。", together, sharedBy(t))
}

func introduceTable(l lang.Lang) string {
	return l.Say(
		"%d Puts, one after the other: each stage's median, and what one request in a hundred exceeds.",
		"依次执行 %d 次 Put：每个阶段的中位数，以及只有百分之一的请求会超过的时间（p99）。", series)
}

// nextSteps are commands to try after the tour, each with its purpose.
var nextSteps = []struct{ command, en, zh string }{
	{"glasskv demo flow-control", "one branch of grpc-go's path, played live", "现场演示 grpc-go 路径上的一个分支"},
	{"glasskv demo --list", "all scenes and branches", "列出所有场景和分支"},
	{"glasskv explain wal.sync", "what a stage is, what makes it slow, where its source is", "一个阶段是什么、为什么慢、源码在哪里"},
	{"glasskv stages", "all stages, as a tree", "以树的形式列出所有阶段"},
	{"glasskv serve --timeline", "a server of your own; etcdctl works with it", "启动自己的服务器，etcdctl 也能用"},
	{"glasskv put --trace greeting hello", "from another terminal: a write as its client saw it", "在另一个终端里：从客户端看一次写入"},
	{"glasskv timeline --slowest 1", "that server's slowest request so far", "这个服务器到目前为止最慢的请求"},
}

// hints prints what to try next. If the program was started by `go run`, it prints
// how to write the commands then.
func (d *demo) hints() error {
	l, room := d.screen.Lang, d.screen.Columns(d.out)
	width := 0
	for _, h := range nextSteps {
		width = max(width, screen.Width(h.command))
	}
	return d.say(func(out *screen.Writer) {
		out.Line()
		out.Line(screen.Strong.Paint(l.Pick("What to try next", "接下来可以试试")))
		for _, h := range nextSteps {
			command := screen.Left(h.command, width)
			for _, line := range screen.Wrap(l.Pick(h.en, h.zh), room-width-4) {
				out.Line("  ", command, "  ", screen.Dim.Paint(line))
				command = screen.Blank(width)
			}
		}
		if builtByGoRun() {
			out.Line(screen.Dim.Paint(l.Pick("  (write `go run .` for glasskv, as you did just now)", "  （像刚才那样，用 `go run .` 代替 glasskv）")))
		}
	})
}

// builtByGoRun reports whether the program is where `go run` builds programs. Then
// there may be no glasskv on the PATH.
func builtByGoRun() bool {
	exe, err := os.Executable()
	return err == nil && strings.Contains(exe, "go-build")
}
