package hold

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"glasskv/server/control"
	"glasskv/trace"
	"glasskv/trace/endpoint"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/show"
	"glasskv/walkthrough/timeline"
)

// Options say how holds are printed.
type Options struct {
	screen.Options
	Endpoint string    // the trace endpoint for the commands that are shown; empty: none is shown
	Typed    bool      // the screen takes the letters s and c, which are shown then
	Now      time.Time // zero: the moment of the call
}

const labelColumns = 12

// block prints a report.
type block struct {
	r     *control.Report
	opts  Options
	width int
	out   *screen.Writer
}

// Render prints the report on a request that is held: the request so far, the
// goroutines on its path, raft, the end of the log, the queues, and what to type. It
// calls w.Write once, so that two reports printed at the same time do not mix.
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
	b.nextCommands()
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
	rest := "  " + request(h) + " · " + reason(b.opts.Lang, h.Why)
	title := b.opts.Lang.Say("■ #%d held at %s", "■ #%d 停在 %s", h.ID, screen.Escape(h.Stage))
	b.out.Line(screen.Held.Paint(title), screen.Cut(rest, b.width-screen.Width(title)))
	text := whatWaits(b.opts.Lang, h) + b.opts.Lang.Pick(" ", "") + timeLeft(b.opts.Lang, h, b.opts.Now)
	for _, line := range screen.Wrap(text, b.width) {
		b.out.Line(line)
	}
	b.out.Line()
}

// request returns a request's method and key.
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

// timeline prints the request so far.
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

// item prints a line: a label, which may be empty, and a text.
func (b *block) item(label, text string) {
	b.out.Line(screen.Dim.Paint(label), screen.Blank(labelColumns-screen.Width(label)), text)
}

// items prints texts one below the other, with a label in front of the first.
func (b *block) items(label string, texts ...string) {
	for _, text := range texts {
		for _, line := range screen.Wrap(text, b.width-labelColumns) {
			b.item(label, line)
			label = ""
		}
	}
}

// goroutines prints the stack of each goroutine, the innermost function first.
func (b *block) goroutines() {
	b.out.Line(screen.Strong.Paint(b.opts.Lang.Pick("goroutines on its path", "它一路上的 goroutine")))
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

// frame prints a function, and its file and line at the right. If both do not fit, it
// shortens them.
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

// log prints the entries that were saved last.
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
		say("records to process %d", "待处理的记录 %d", q.RecordsLeft),
	}, " · "))
}

// nextCommands prints what to type to let the request go on.
func (b *block) nextCommands() {
	var ways []string
	if at := b.opts.Endpoint; at != "" {
		which := strconv.Itoa(b.r.ID)
		if at != endpoint.DefaultTraceURL {
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

// printList prints the breakpoints and the requests that are held.
func printList(w io.Writer, st control.State, o Options) error {
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	width := o.Columns(w)
	out := screen.NewWriter(w, o.Options)
	if len(st.Breaks) == 0 {
		out.Line(o.Lang.Pick("No breakpoint is set. Set one: glasskv hold break raft.propose", "没有断点。设一个：glasskv hold break raft.propose"))
	} else {
		out.Line(screen.Strong.Paint(o.Lang.Pick("breakpoints", "断点")))
	}
	for i := range st.Breaks {
		out.Line("  ", screen.Cut(breakLine(o.Lang, &st.Breaks[i]), width-2))
	}
	if len(st.Holds) == 0 {
		out.Line(o.Lang.Pick("No request is held.", "没有请求被停住。"))
	} else {
		out.Line(screen.Strong.Paint(o.Lang.Pick("held", "停住的请求")))
	}
	for i := range st.Holds {
		out.Line("  ", screen.Cut(holdLine(o, &st.Holds[i]), width-2))
	}
	if st.Passed > 0 {
		out.Line(o.Lang.Say("%d requests were let through, because %d were held already.",
			"已有 %[2]d 个请求被停住，另有 %[1]d 个因此直接放行。", st.Passed, control.MaxHolds))
	}
	return out.Close()
}

// breakLine describes a breakpoint.
func breakLine(l lang.Lang, b *control.Break) string {
	parts := []string{screen.Escape(b.Stage)}
	if b.Method != "" {
		parts = append(parts, l.Say("of %s", "方法 %s", screen.Escape(b.Method)))
	}
	if b.KeyPrefix != "" {
		parts = append(parts, l.Say("keys from %s", "键以 %s 开头", screen.Quote(b.KeyPrefix)))
	}
	if b.Timeout != 0 {
		parts = append(parts, l.Say("for %v at most", "最多 %v", b.Timeout))
	}
	if b.Once {
		parts = append(parts, l.Pick("once", "一次"))
	}
	return strings.Join(append(parts, l.Say("held %d so far", "已停住 %d 个", b.Hits)), " · ")
}

// holdLine describes a request that is held.
func holdLine(o Options, h *control.Hold) string {
	parts := []string{
		fmt.Sprintf("#%d", h.ID), screen.Escape(h.Stage), request(h), reason(o.Lang, h.Why),
		o.Lang.Say("for %v", "已停 %v", o.Now.Sub(h.Since).Round(time.Second)),
		o.Lang.Say("%v left", "还剩 %v", max(0, h.Until.Sub(o.Now)).Round(time.Second)),
	}
	if h.HeldUp > 0 {
		parts = append(parts, o.Lang.Say("%d held up with it", "另有 %d 个因此停着", h.HeldUp))
	}
	return strings.Join(parts, " · ")
}

// reason says why a request is held.
func reason(l lang.Lang, why string) string {
	switch why {
	case trace.WhyBreakpoint:
		return l.Pick("by a breakpoint", "被断点停住")
	case trace.WhyStep:
		return l.Pick("one step further", "单步到这里")
	}
	return screen.Escape(why)
}

// whatWaits says which goroutine is stopped, and which requests need it.
func whatWaits(l lang.Lang, h *control.Hold) string {
	say := l.Say
	others := ""
	if h.HeldUp > 0 {
		others = say(" %d others are held up with it.", "还有 %d 个请求因此停着。", h.HeldUp)
	}
	with := ""
	if h.With > 1 {
		with = say(" %d requests are in the same batch.", "同一批里有 %d 个请求。", h.With)
	}
	switch h.Lane {
	case control.LaneRequest:
		return l.Pick("Only this request waits: its own goroutine stands still.", "只有这个请求在等：停住的是它自己的 goroutine。")
	case control.LaneRaftLoop:
		return l.Pick("The raft loop stands still: every write waits, and every linearizable read.",
			"raft 循环停住了：所有写入和线性一致读都在等。") + with + others
	case control.LaneApply:
		return l.Pick("The apply goroutine stands still: every write waits, and every linearizable read.",
			"apply goroutine 停住了：所有写入和线性一致读都在等。") + with + others
	case control.LaneReadLoop:
		return l.Pick("The read loop stands still: every linearizable read waits.", "读循环停住了：所有线性一致读都在等。") + with + others
	}
	return screen.Escape(string(h.Lane)) + with + others
}

// timeLeft says when the request goes on by itself.
func timeLeft(l lang.Lang, h *control.Hold, now time.Time) string {
	left := h.Until.Sub(now).Round(time.Second)
	if left < time.Second {
		return l.Pick("It goes on by itself any moment.", "它马上就会自行继续。")
	}
	return l.Say("It goes on by itself in %v, or when its client gives up.", "%v 后自行继续；客户端放弃时也会继续。", left)
}

// howEnded says how a hold ended.
func howEnded(l lang.Lang, ended string) string {
	switch ended {
	case trace.EndedContinued:
		return l.Pick("goes on", "继续")
	case trace.EndedStepped:
		return l.Pick("goes on to its next stage", "继续到下一个阶段")
	case trace.EndedTimeout:
		return l.Pick("goes on by itself: the hold's time is up", "自行继续：停留时间已到")
	case trace.EndedGone:
		return l.Pick("is let go: its client gave up", "不再停留：客户端已放弃")
	case trace.EndedStopping:
		return l.Pick("is let go: the server is being stopped", "不再停留：服务端正在停止")
	}
	return screen.Escape(ended)
}

// Printer prints timelines and holds for `glasskv serve`.
type Printer struct{ *show.Flags }

// PrintHold prints a request that is held: as Render does, or as JSON. Endpoint and
// typed are those of Options.
func (p Printer) PrintHold(w io.Writer, r *control.Report, endpoint string, typed bool) error {
	if p.JSON() {
		return WriteJSON(w, r)
	}
	return Render(w, r, Options{Options: p.Screen(w), Endpoint: endpoint, Typed: typed})
}

// PrintEvent prints an event in one line. It prints nothing for an event that
// PrintHold covers.
func (p Printer) PrintEvent(w io.Writer, e control.Event) error {
	if p.JSON() {
		return WriteJSON(w, e)
	}
	l := p.Lang()
	var text string
	switch {
	case e.Kind == control.Released && e.Hold != nil:
		text = fmt.Sprintf("#%d %s %s: %s", e.Hold.ID, screen.Escape(e.Hold.Stage), request(e.Hold), howEnded(l, e.Ended))
	case e.Kind == control.Passed:
		text = l.Say("A request met a breakpoint and was let through: %d are held already.",
			"有请求到达断点而直接放行：已有 %d 个被停住。", control.MaxHolds)
	case e.Kind == control.FaultChanged && e.Fault != nil && e.Fault.On:
		text = l.Say("Fault %s is on: %s", "故障 %s 已打开：%s", screen.Escape(e.Fault.Name), screen.Escape(l.Pick(e.Fault.EN, e.Fault.ZH)))
	case e.Kind == control.FaultChanged && e.Fault != nil:
		text = l.Say("Fault %s is off", "故障 %s 已关闭", screen.Escape(e.Fault.Name))
	default:
		return nil
	}
	out := screen.NewWriter(w, p.Screen(w))
	out.Line(screen.Held.Paint("■ "), text)
	return out.Close()
}

// WriteJSON writes v as JSON in one line.
func WriteJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}
