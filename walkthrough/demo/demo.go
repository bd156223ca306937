// Package demo shows what GlassKV is in a few seconds: it starts a whole server
// in this process, is a real gRPC client of it, and prints the timelines of five
// requests that differ, then how long each stage takes over a few hundred.
//
//	command.go   the command and its flags
//	demo.go      one run: the scenes in their order
//	scenes.go    the scenes, and what is said before each
//	requests.go  the requests that they make
//	server.go    the server, from its directory to its removal
//	live.go      the same server for others that show live requests
//	place*.go    a directory on a real disk
//	act.go       a branch of the path, played on a server of its own
//	stage.go     where it is played
//	acts_*.go    the acts
//	wire.go      a client that writes its frames by hand
//	hints.go     what to try next
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.uber.org/zap"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	"glasskv/walkthrough/branch"
	"glasskv/walkthrough/client"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/show"
	"glasskv/walkthrough/summary"
)

// Options say what is shown, and how.
type Options struct {
	Only string      // one scene or branch by name; empty for the short tour
	Show *show.Flags // language, width, colours, output
	Log  *zap.Logger // of the server
}

// demo is one run.
type demo struct {
	Options
	out    io.Writer
	screen screen.Options
	number int // of the scene that is shown
}

// Run starts a server, makes the requests and prints to w. When it returns, also
// because ctx ended, the server is stopped and its data removed.
//
// As JSON it prints the timelines, one a line, and nothing else; the table's
// rows come only when the table is asked for.
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
	here := client.Options{Endpoints: []string{s.addr()}}
	if err := warmUp(ctx, here); err != nil {
		return fmt.Errorf("warm the server up: %w", err)
	}
	c, err := client.Dial(here)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if err := d.opening(s); err != nil {
		return err
	}
	return d.play(ctx, &requests{kv: pb.NewKVClient(c), client: c})
}

// play shows the scenes that were asked for.
func (d *demo) play(ctx context.Context, r *requests) error {
	if d.Only != "" && d.Only != scenePut {
		// The connection is opened here, out of sight.
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

// show makes a scene's request and prints its timeline.
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

// introduce draws a line under what came before and says what comes.
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

// opening says what kind of server is seen.
func (d *demo) opening(s *server) error {
	l := d.screen.Lang
	text := l.Say(
		"A whole server in this process, on %s, with real fsync in %s (removed at the end), and a gRPC client of it.",
		"本进程内有一个完整的服务器，地址 %s，在 %s 上真实地 fsync（结束时删除），还有它的一个 gRPC 客户端。", s.addr(), s.place.dir)
	if s.place.memory {
		text = l.Say(
			"A whole server in this process, on %s, and a gRPC client of it. Its data is in %s, which is memory: an fsync costs nothing there. Set TMPDIR to a directory on a disk.",
			"本进程内有一个完整的服务器，地址 %s，还有它的一个 gRPC 客户端。数据目录 %s 在内存里，fsync 没有代价；请把 TMPDIR 设为磁盘上的目录。", s.addr(), s.place.dir)
	}
	return d.say(func(out *screen.Writer) {
		out.Line(screen.Strong.Paint(l.Pick("GlassKV: one request, seen whole", "GlassKV：完整地看见一个请求")))
		for _, line := range screen.Wrap(text, d.screen.Columns(d.out)) {
			out.Line(screen.Dim.Paint(line))
		}
	})
}

// say prints what stands between the timelines; programs do not get it.
func (d *demo) say(write func(*screen.Writer)) error {
	if d.Show.JSON() {
		return nil
	}
	out := screen.NewWriter(d.out, d.screen)
	write(out)
	return out.Close()
}
