package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	"glasskv/server/practice"
	"glasskv/server/seam"
	"glasskv/server/serve"
	"glasskv/trace"
	"glasskv/trace/record"
	"glasskv/walkthrough/branch"
	"glasskv/walkthrough/client"
	"glasskv/walkthrough/screen"
)

// act plays one branch of the path on a server of its own.
type act struct {
	setting setting
	play    func(context.Context, *stage) (*outcome, error)
}

// setting is what an act changes about its server; what is nil it leaves alone.
type setting struct {
	config  func(*serve.Config)
	front   func(*seam.FrontOptions)
	seams   func(*stage, *serve.Seams)
	secured bool // over TLS, with a certificate that the act's client trusts
	mutual  bool // both sides must show a certificate
	cold    bool // the server is not warmed up
	quiet   bool // the server's log is not shown: what it complains of is the act
}

// outcome is what came of an act.
type outcome struct {
	client string // what the client saw
	shown  []*trace.Timeline
}

// actTimeout bounds an act: the longest takes a second and a half.
const actTimeout = 15 * time.Second

// stage is where an act is played.
type stage struct {
	*server
	practice  *practice.Service
	registrar grpc.ServiceRegistrar // the node's gRPC server, as services see it
	door      *practice.Door        // where connections are accepted
	client    *client.Client
	finished  chan *record.Record // by the server
}

// acts returns every act by the name of its branch.
func acts() map[string]act {
	all := make(map[string]act)
	for _, some := range []map[string]act{connectionActs, requestActs, handlerActs, limitActs, endingActs} {
		for name, a := range some {
			all[name] = a
		}
	}
	return all
}

// playBranch shows one branch: what happens, what its client sees, its timeline.
func (d *demo) playBranch(ctx context.Context, b branch.Branch) (err error) {
	ctx, cancel := context.WithTimeout(ctx, actTimeout)
	defer cancel()
	a, ok := acts()[b.Name]
	if !ok {
		return fmt.Errorf("branch %s cannot be played", b.Name)
	}
	s, err := setStage(ctx, a.setting, d.Log)
	if err != nil {
		return fmt.Errorf("start the demo's server: %w", err)
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	came, err := a.play(ctx, s)
	if err != nil {
		return fmt.Errorf("branch %s: %w", b.Name, err)
	}
	if err := d.announce(b, came); err != nil {
		return err
	}
	for _, t := range came.shown {
		if err := d.Show.Print(d.out, t); err != nil {
			return err
		}
	}
	return d.lookFor(b)
}

// announce says what was played and what its client saw.
func (d *demo) announce(b branch.Branch, came *outcome) error {
	l, text := d.screen.Lang, b.In(d.screen.Lang)
	columns := d.screen.Columns(d.out)
	return d.say(func(out *screen.Writer) {
		out.Line(screen.Strong.Paint(b.Name), screen.Dim.Paint(" · "+text.Title))
		for _, line := range screen.Wrap(text.What, columns) {
			out.Line(line)
		}
		out.Line()
		for i, line := range screen.Wrap(screen.Escape(came.client), columns-labelled) {
			label := l.Pick("client", "客户端")
			if i > 0 {
				label = ""
			}
			out.Line(screen.Dim.Paint(label), screen.Blank(labelled-screen.Width(label)), line)
		}
		out.Line()
	})
}

// lookFor says what to look for in what was shown.
func (d *demo) lookFor(b branch.Branch) error {
	l, columns := d.screen.Lang, d.screen.Columns(d.out)
	return d.say(func(out *screen.Writer) {
		out.Line()
		for i, line := range screen.Wrap(b.In(l).Look, columns-labelled) {
			label := l.Pick("look for", "看什么")
			if i > 0 {
				label = ""
			}
			out.Line(screen.Dim.Paint(label), screen.Blank(labelled-screen.Width(label)), line)
		}
		label := l.Pick("more", "更多")
		out.Line(screen.Dim.Paint(label), screen.Blank(labelled-screen.Width(label)), "glasskv explain "+b.Name)
	})
}

// labelled is how many columns the labels of an act take.
const labelled = 10

// said is an error as a client reports it.
func said(err error) string {
	if err == nil {
		return "OK"
	}
	st := status.Convert(err)
	return fmt.Sprintf("%s: %s", st.Code(), st.Message())
}
