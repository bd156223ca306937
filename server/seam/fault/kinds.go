package fault

import (
	"fmt"
	"strings"
	"time"

	"glasskv/server/control"
	"glasskv/server/seam/frames"
)

// parameters are what a fault is switched on with.
type parameters struct {
	delay       delay
	probability float64       // above zero, at most 1
	amount      int           // a number of streams, bytes or goroutines; see spec.counts
	duration    time.Duration // how long the fault stays on; zero: until it is switched off
}

// spec says what a fault is called, what it takes, and what it does. A fault takes either an
// amount of something, or a delay and a probability.
type spec struct {
	name        string
	counts      string // the JSON name of the amount, one of control.Amounts; empty if it takes a delay
	least, most int    // the bounds of the amount
	example     string // an example of its parameters
	en, zh      string // what it does
}

var specs = [numKinds]spec{
	SlowWrite: {
		name: "slow-write", example: "delay 20ms",
		en: "the raft loop waits before it writes new entries to the log; the whole batch waits",
		zh: "raft 循环在把新条目写入日志之前等待；整批请求一起等",
	},
	SlowFsync: {
		name: "slow-fsync", example: "delay 50ms",
		en: "the raft loop waits after fdatasync, before Save returns; the whole batch waits",
		zh: "raft 循环在 fdatasync 之后、Save 返回之前等待；整批请求一起等",
	},
	StalledApply: {
		name: "stalled-apply", example: "delay 20ms",
		en: "the apply goroutine waits before each entry; the entries behind it queue up",
		zh: "apply goroutine 在每个条目之前停住；后面的条目排队",
	},
	SlowHandler: {
		name: "slow-handler", example: "delay 20ms",
		en: "each request waits before its handler begins, on a goroutine of its own",
		zh: "每个请求在 handler 开始之前等待，只占用自己的 goroutine",
	},
	FullQuota: {
		name: "full-quota", counts: "streams", least: 1, most: 1 << 16, example: "streams 1",
		en: "a connection has only so many requests handled at once; the others wait before handleStream",
		zh: "一个连接同时只处理这么多请求；其余的在 handleStream 之前等待",
	},
	delayedAccept: {
		name: "delayed-accept", example: "delay 100ms",
		en: "the accept loop waits after each connection; the next ones stay in the kernel's queue",
		zh: "accept 循环在每个连接之后等待；后面的连接留在内核队列里",
	},
	smallWindow: {
		name: "small-window", counts: "bytes", least: minWindow, most: frames.DefaultWindow, example: "bytes 16384",
		en: "clients that connect from now on may send only so many bytes of a request before the server grants more",
		zh: "此后建立的连接上，客户端的一个请求最多先发这么多字节，再等服务端放行",
	},
	busyProcessor: {
		name: "busy-processor", counts: "goroutines", least: 1, most: 256, example: "goroutines 4",
		en: "this many goroutines keep the processors busy; every wait for a processor takes longer",
		zh: "这么多 goroutine 一直占着处理器；凡是要等处理器的地方都会变长",
	},
}

// kindOf returns the fault with a name. If there is none, it returns a control.ErrUnknown
// that lists all names.
func kindOf(name string) (Kind, error) {
	names := make([]string, numKinds)
	for k := range numKinds {
		if names[k] = specs[k].name; names[k] == name {
			return k, nil
		}
	}
	return 0, control.Unknown(fmt.Sprintf("no fault is called %q; there are %s", name, strings.Join(names, ", ")))
}

// describe describes a fault to users. active is nil if the fault is off.
func describe(k Kind, active *activeFault) control.Fault {
	spec := &specs[k]
	out := control.Fault{Name: spec.name, Counts: spec.counts, EN: spec.en, ZH: spec.zh}
	if active == nil {
		return out
	}
	out.On, out.For, out.Struck = true, control.Duration(active.duration), active.strikes.Load()
	if !active.until.IsZero() {
		out.Until = active.until.UTC().Format(time.RFC3339)
	}
	if spec.counts != "" {
		*out.Amount(spec.counts) = active.amount
	} else {
		out.Delay, out.Probability = active.delay.String(), active.probability
	}
	return out
}

// check returns the parameters in a request to switch the fault on. It returns a
// control.ErrMistake, with an example of what is right, if they are not what the fault takes.
func (s *spec) check(in control.Fault) (p parameters, err error) {
	for _, name := range control.Amounts {
		if name != s.counts && *in.Amount(name) != 0 {
			return p, s.mistake("does not take " + name)
		}
	}
	if p.duration = time.Duration(in.For); p.duration < 0 {
		return p, s.mistake("takes a time above zero to end after")
	}
	if s.counts != "" {
		p.amount = *in.Amount(s.counts)
		return p, s.checkAmount(p.amount, in)
	}
	if in.Delay == "" {
		return p, s.mistake("needs a delay")
	}
	if p.probability = in.Probability; p.probability == 0 {
		p.probability = 1
	}
	if !(p.probability > 0 && p.probability <= 1) { // also rejects NaN
		return p, s.mistake("takes a probability above 0 and not above 1")
	}
	p.delay, err = parseDelay(in.Delay)
	return p, err
}

func (s *spec) checkAmount(n int, in control.Fault) error {
	switch {
	case in.Delay != "" || in.Probability != 0:
		return s.mistake("does not take a delay or a probability")
	case s.counts == "bytes" && n > 0 && n < s.least:
		return s.mistake(fmt.Sprintf("needs at least %d bytes: below that grpc-go would wait for more before it grants any, and the client for the grant", s.least))
	case n < s.least || n > s.most:
		return s.mistake(fmt.Sprintf("needs %s from %d to %d", s.counts, s.least, s.most))
	}
	return nil
}

func (s *spec) mistake(what string) error {
	return control.Mistake(fmt.Sprintf("%s %s; for example: %s", s.name, what, s.example))
}
