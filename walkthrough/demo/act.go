package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

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
	play    func(context.Context, *rig) (*outcome, error)
}

// setting says how an act's server differs from the usual one. The zero value changes
// nothing.
type setting struct {
	config func(*serve.Config)      // changes the configuration
	front  func(*seam.FrontOptions) // changes what is observed of grpc-go
	seams  func(*rig, *serve.Seams) // changes the seams; only acts use it
	tls    bool                     // TLS, with a certificate that the act's client trusts
	mutual bool                     // TLS, and clients need a certificate, which none has
	cold   bool                     // the server is not warmed up
	quiet  bool                     // the server logs nothing: the act is about an error that it would log
}

// outcome is the result of an act.
type outcome struct {
	client string // what the client saw
	shown  []*trace.Timeline
}

// actTimeout bounds an act. The longest takes a second and a half.
const actTimeout = 15 * time.Second

// playBranch plays one branch and prints what happens, what the client saw, and
// the timeline.
func (d *demo) playBranch(ctx context.Context, b branch.Branch) (err error) {
	ctx, cancel := context.WithTimeout(ctx, actTimeout)
	defer cancel()
	a, ok := acts[b.Name]
	if !ok {
		return fmt.Errorf("branch %s cannot be played", b.Name)
	}
	r, err := newRig(ctx, a.setting, d.Log)
	if err != nil {
		return fmt.Errorf("start the demo's server: %w", err)
	}
	defer func() { err = errors.Join(err, r.stop()) }()
	came, err := a.play(ctx, r)
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

// announce prints what was played and what its client saw.
func (d *demo) announce(b branch.Branch, came *outcome) error {
	l, text := d.screen.Lang, b.In(d.screen.Lang)
	return d.say(func(out *screen.Writer) {
		out.Line(screen.Strong.Paint(b.Name), screen.Dim.Paint(" · "+text.Title))
		for _, line := range screen.Wrap(text.What, d.screen.Columns(d.out)) {
			out.Line(line)
		}
		out.Line()
		d.labelled(out, l.Pick("client", "客户端"), screen.Escape(came.client))
		out.Line()
	})
}

// lookFor prints what to look for in the timeline above it.
func (d *demo) lookFor(b branch.Branch) error {
	l := d.screen.Lang
	return d.say(func(out *screen.Writer) {
		out.Line()
		d.labelled(out, l.Pick("look for", "看什么"), b.In(l).Look)
		d.labelled(out, l.Pick("more", "更多"), "glasskv explain "+b.Name)
	})
}

const labelColumns = 10

// labelled writes a text, wrapped, beside its label.
func (d *demo) labelled(out *screen.Writer, label, text string) {
	for _, line := range screen.Wrap(text, d.screen.Columns(d.out)-labelColumns) {
		out.Line(screen.Dim.Paint(label), screen.Blank(labelColumns-screen.Width(label)), line)
		label = ""
	}
}

// statusText writes an error of a call as clients report it; "OK" for nil.
func statusText(err error) string {
	if err == nil {
		return "OK"
	}
	st := status.Convert(err)
	return fmt.Sprintf("%s: %s", st.Code(), st.Message())
}

// rig is what an act is played on: a server with the service for practice, and an
// observed client of it.
type rig struct {
	*server
	practice  *practice.Service
	registrar grpc.ServiceRegistrar // the node's gRPC server, as services see it
	door      *practice.Door        // the listener, for an act that puts it into the seams
	client    *client.Client
	finished  chan *record.Record // the server's records, each when its request is over
}

// newRig starts a server with the setting, and connects a client. If it fails, or
// if ctx ends, it undoes what it has begun.
func newRig(ctx context.Context, how setting, lg *zap.Logger) (r *rig, err error) {
	r = &rig{server: &server{}, practice: practice.New(), door: &practice.Door{}, finished: make(chan *record.Record, 1024)}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.stop())
		}
	}()
	before := how.config
	how.config = func(cfg *serve.Config) {
		cfg.TickMs = quickTick
		cfg.ServiceRegister = func(reg grpc.ServiceRegistrar) {
			r.registrar = reg
			r.practice.Register(reg)
		}
		if before != nil {
			before(cfg)
		}
	}
	if how.quiet {
		lg = zap.NewNop()
	}
	change := func(seams *serve.Seams) {
		if how.seams != nil {
			how.seams(r, seams)
		}
	}
	if err := r.start(ctx, lg, how, change); err != nil {
		return r, err
	}
	if !how.cold {
		if err := r.warmUp(ctx); err != nil {
			return r, err
		}
	}
	r.rec.Subscribe(func(rec *record.Record) {
		select {
		case r.finished <- rec:
		default: // full: no act waits for so many records
		}
	})
	reach, err := r.reach()
	if err != nil {
		return r, err
	}
	if r.client, err = client.Dial(reach); err != nil {
		return r, err
	}
	r.onStop(func(context.Context) error { return r.client.Close() })
	return r, nil
}

// quickTick is a heartbeat in milliseconds with which a single member elects
// itself within a tenth of a second.
const quickTick = 10

// nextRecord waits for the server's next record that fits. What names the record
// in the error.
func (r *rig) nextRecord(ctx context.Context, what string, fits func(*record.Record) bool) (*record.Record, error) {
	for {
		select {
		case rec := <-r.finished:
			if fits(rec) {
				return rec, nil
			}
		case <-ctx.Done():
			return nil, fmt.Errorf("no timeline of %s: %w", what, context.Cause(ctx))
		}
	}
}

// hasMethod fits the requests for a method.
func hasMethod(method string) func(*record.Record) bool {
	return func(rec *record.Record) bool { return rec.Facts().Method == method }
}

// isConnection fits the records of connections that never carried a request.
func isConnection(rec *record.Record) bool { return rec.Has(record.MarkConnection) }

// onStream fits the request on a stream of w's connection.
func onStream(w *wire, id uint32) func(*record.Record) bool {
	return func(rec *record.Record) bool {
		return rec.StreamID() == id && rec.Conn() != nil && rec.Conn().Peer == w.conn.LocalAddr().String()
	}
}

// show waits for the server's next record that fits, and returns its timeline with
// what the client saw.
func (r *rig) show(ctx context.Context, client, what string, fits func(*record.Record) bool) (*outcome, error) {
	rec, err := r.nextRecord(ctx, what, fits)
	if err != nil {
		return nil, err
	}
	return &outcome{client, []*trace.Timeline{rec.Timeline()}}, nil
}

// call makes a request with the observed client, on a connection that is open
// already, and returns its timeline, joined of the client's and the server's half.
// A request that fails has an outcome like any other.
func (r *rig) call(ctx context.Context, send func(context.Context) error) (*outcome, error) {
	if err := r.connect(ctx); err != nil {
		return nil, err
	}
	return r.firstCall(ctx, send)
}

// firstCall is call without connect: the request itself opens the connection if
// it is the client's first.
func (r *rig) firstCall(ctx context.Context, send func(context.Context) error) (*outcome, error) {
	observation, sent := r.client.Do(ctx, send)
	if observation == nil {
		return nil, errors.Join(sent, errors.New("the request was not recorded"))
	}
	t, err := r.client.Join(ctx, observation)
	if err != nil {
		return nil, err
	}
	return &outcome{statusText(sent), []*trace.Timeline{t}}, nil
}

// connect opens the client's connection with a request that is not shown.
func (r *rig) connect(ctx context.Context) error {
	if _, err := (&requests{kv: r.kv(), client: r.client}).put(ctx); err != nil {
		return fmt.Errorf("open the connection: %w", err)
	}
	return nil
}

func (r *rig) kv() pb.KVClient { return pb.NewKVClient(r.client) }

// put writes the key.
func (r *rig) put(ctx context.Context) error {
	_, err := r.kv().Put(ctx, &pb.PutRequest{Key: []byte(key), Value: []byte("hello")})
	return err
}

// invoke returns a function that calls a method with the observed client.
func (r *rig) invoke(method string, in, out proto.Message) func(context.Context) error {
	return func(ctx context.Context) error { return r.client.Invoke(ctx, method, in, out) }
}

// wire opens a connection on which frames are written one by one, and sends the
// preface and SETTINGS.
func (r *rig) wire(ctx context.Context, settings ...http2.Setting) (*wire, error) {
	w, err := dialWire(ctx, r.addr())
	if err != nil {
		return nil, err
	}
	r.onStop(func(context.Context) error { return w.close() })
	if err := w.hello(settings...); err != nil {
		return nil, err
	}
	return w, nil
}

// heldOnWire opens a connection as wire does, sends a request that the service for
// practice holds, and returns when the request is held. It stays held until
// practice.Release, or until its connection is gone.
func (r *rig) heldOnWire(ctx context.Context) (w *wire, id uint32, err error) {
	if w, err = r.wire(ctx); err != nil {
		return nil, 0, err
	}
	if id, err = w.call(practice.Hold, &emptypb.Empty{}); err != nil {
		return nil, 0, err
	}
	return w, id, r.practice.Arrived(ctx)
}

// callOnWire makes one request on a connection of its own, whose frames it writes one by
// one, and shows the request.
func (r *rig) callOnWire(ctx context.Context, method string, m proto.Message, more ...hpack.HeaderField) (*outcome, error) {
	w, err := r.wire(ctx)
	if err != nil {
		return nil, err
	}
	id, err := w.call(method, m, more...)
	if err != nil {
		return nil, err
	}
	return r.showReply(ctx, w, id, "the request")
}

// showReply waits for the end of a stream and shows its request.
func (r *rig) showReply(ctx context.Context, w *wire, id uint32, what string) (*outcome, error) {
	reply, err := w.awaitEnd(id)
	if err != nil {
		return nil, err
	}
	return r.show(ctx, reply, what, onStream(w, id))
}
