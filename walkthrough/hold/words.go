package hold

import (
	"time"

	"glasskv/server/control"
	"glasskv/trace"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
)

// because says what held a request.
func because(l lang.Lang, why string) string {
	switch why {
	case trace.WhyBreakpoint:
		return l.Pick("by a breakpoint", "被断点停住")
	case trace.WhyStep:
		return l.Pick("one step further", "单步到这里")
	}
	return screen.Escape(why)
}

// whoWaits says which goroutine stands still, and who needs it.
func whoWaits(l lang.Lang, h *control.Hold) string {
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

// untilWhen says for how long at most.
func untilWhen(l lang.Lang, h *control.Hold, now time.Time) string {
	left := h.Until.Sub(now).Round(time.Second)
	if left < time.Second {
		return l.Pick("It goes on by itself any moment.", "它马上就会自行继续。")
	}
	return l.Say("It goes on by itself in %v, or when its client gives up.", "%v 后自行继续；客户端放弃时也会继续。", left)
}

// wentOn says how a hold ended.
func wentOn(l lang.Lang, ended string) string {
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
