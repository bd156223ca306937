package hold

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	servercommand "glasskv/server/command"
	"glasskv/server/control"
	"glasskv/trace"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/timeline"
)

// Options say how a hold is shown.
type Options struct {
	screen.Options
	Endpoint string    // the trace endpoint at which commands reach the server; empty: none is named
	Typed    bool      // letters that are typed where it is shown have the request go on
	Now      time.Time // zero: the moment of the call
}

const labelColumns = 12

// block is a hold while it is written.
type block struct {
	r     *control.Report
	opts  Options
	width int
	out   *screen.Writer
}

// Render writes everything there is to see of a request that is held: the request
// so far, the goroutines on its way, raft, the end of the log, the queues, and
// what to type. It is written at once, so that two of them do not mix.
func Render(w io.Writer, r *control.Report, o Options) error {
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	o.Width = o.Columns(w)
	var whole bytes.Buffer
	b := &block{r: r, opts: o, width: o.Width, out: screen.NewWriter(&whole, o.Options)}
	b.head()
	if err := b.out.Close(); err != nil {
		return err
	}
	if err := b.timeline(&whole); err != nil {
		return err
	}
	b.out = screen.NewWriter(&whole, o.Options)
	b.goroutines()
	b.raft()
	b.log()
	b.queues()
	b.goOn()
	if err := b.out.Close(); err != nil {
		return err
	}
	if _, err := w.Write(whole.Bytes()); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

func (b *block) head() {
	h := &b.r.Hold
	rest := "  " + request(h) + " · " + because(b.opts.Lang, h.Why)
	title := b.opts.Lang.Say("■ #%d held at %s", "■ #%d 停在 %s", h.ID, screen.Escape(h.Stage))
	b.out.Line(screen.Held.Paint(title), screen.Cut(rest, b.width-screen.Width(title)))
	text := whoWaits(b.opts.Lang, h) + b.opts.Lang.Pick(" ", "") + untilWhen(b.opts.Lang, h, b.opts.Now)
	for _, line := range screen.Wrap(text, b.width) {
		b.out.Line(line)
	}
	b.out.Line()
}

// request names a request in a few words.
func request(h *control.Hold) string {
	method := h.Method
	if !strings.Contains(method, " ") { // gRPC's: "/etcdserverpb.KV/Put"
		method = method[strings.LastIndexByte(method, '/')+1:]
	}
	if h.Key == "" {
		return screen.Escape(method)
	}
	return screen.Escape(method) + " " + screen.Quote(h.Key)
}

// timeline draws the request so far.
func (b *block) timeline(w io.Writer) error {
	t := new(trace.Timeline)
	if err := json.Unmarshal(b.r.Timeline, t); err != nil {
		return fmt.Errorf("read the request so far: %w", err)
	}
	if err := timeline.Render(w, t, timeline.Options{Options: b.opts.Options, SoFar: true}); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w)
	return err
}

// item begins a line with a label, or without it.
func (b *block) item(label string, text string) {
	b.out.Line(screen.Dim.Paint(label), screen.Blank(labelColumns-screen.Width(label)), text)
}

// items writes a label once, and a line for each text.
func (b *block) items(label string, texts ...string) {
	for _, text := range texts {
		for _, line := range screen.Wrap(text, b.width-labelColumns) {
			b.item(label, line)
			label = ""
		}
	}
}

// goroutines lists what each of them is in, the innermost function first.
func (b *block) goroutines() {
	b.out.Line(screen.Strong.Paint(b.opts.Lang.Pick("goroutines on its way", "它一路上的 goroutine")))
	for i := range b.r.Goroutines {
		g := &b.r.Goroutines[i]
		label := screen.Escape(g.Role)
		state := "[" + screen.Escape(g.State) + "]"
		if g.More > 0 {
			state += b.opts.Lang.Say(" and %d more like it", "，另有 %d 个相同的", g.More)
		}
		b.item(label, screen.Dim.Paint(state))
		for _, f := range g.Frames {
			b.frame(f)
		}
	}
	b.out.Line()
}

// frame writes a function, and its place beside it where there is room.
func (b *block) frame(f control.Frame) {
	const gap = 2
	room := b.width - labelColumns
	symbol, place := screen.Escape(f.Symbol), screen.Escape(f.Place)
	if half := room / 2; screen.Width(symbol)+gap+screen.Width(place) > room {
		symbol = screen.Middle(symbol, max(half, room-gap-screen.Width(place)))
		place = screen.Middle(place, room-gap-screen.Width(symbol))
	}
	b.item("", symbol+screen.Blank(room-screen.Width(symbol)-screen.Width(place))+screen.Dim.Paint(place))
}

func (b *block) raft() {
	r, say := &b.r.Raft, b.opts.Lang.Say
	lines := []string{
		say("%s %s in term %d; the leader is %s", "%s %s，任期 %d；leader 是 %s",
			screen.Escape(strings.TrimPrefix(r.State, "State")), screen.Escape(r.ID), r.Term, screen.Escape(r.Leader)),
		say("last entry %d · committed %d · applied %d", "最后一条 %d · 已提交 %d · 已 apply %d", r.LastIndex, r.Commit, r.Applied),
	}
	for _, p := range r.Progress {
		lines = append(lines, say("progress of %s: match %d, next %d, %s", "%s 的进度：match %d，next %d，%s",
			screen.Escape(p.ID), p.Match, p.Next, screen.Escape(p.State)))
	}
	b.items("raft", lines...)
}

// log lists the entries that were saved last.
func (b *block) log() {
	label := b.opts.Lang.Pick("log's end", "日志末尾")
	if len(b.r.WAL) == 0 {
		b.items(label, b.opts.Lang.Pick("nothing was saved since the server was started", "服务端启动以来还没有写过"))
		return
	}
	b.item(label, screen.Dim.Paint(fmt.Sprintf("%8s %5s %8s  %-16s %s", "index", "term", "bytes", "kind", "request ID")))
	for _, e := range b.r.WAL {
		b.item("", fmt.Sprintf("%8d %5d %8d  %-16s %s", e.Index, e.Term, e.Bytes, screen.Escape(e.Kind), screen.Escape(e.RequestID)))
	}
}

func (b *block) queues() {
	q, say := &b.r.Queues, b.opts.Lang.Say
	b.items(b.opts.Lang.Pick("queues", "队列"), strings.Join([]string{
		say("proposals under way %d", "进行中的提案 %d", q.Proposals),
		say("committed and not applied %d", "已提交未 apply %d", q.Unapplied),
		say("apply jobs %d", "apply 任务 %d", q.ApplyJobs),
		say("readers %d", "等待的读 %d", q.Readers),
		say("requests under way %d", "进行中的请求 %d", q.Requests),
		say("records to look at %d", "待处理的记录 %d", q.RecordsLeft),
	}, " · "))
}

// goOn says what to type.
func (b *block) goOn() {
	var ways []string
	if at := b.opts.Endpoint; at != "" {
		which := strconv.Itoa(b.r.ID)
		if at != servercommand.DefaultTraceURL {
			which += " --endpoint " + screen.Escape(at)
		}
		ways = append(ways, "glasskv hold step "+which, "glasskv hold continue "+which)
	}
	if b.opts.Typed {
		ways = append(ways, b.opts.Lang.Pick("type s to step, or c to continue, here", "在这里输入 s 单步，或 c 继续"))
	}
	if len(ways) > 0 {
		b.items(b.opts.Lang.Pick("go on", "继续"), strings.Join(ways, " · "))
	}
}
