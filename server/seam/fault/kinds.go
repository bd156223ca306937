package fault

import (
	"fmt"
	"strings"
	"time"

	"glasskv/server/control"
	"glasskv/server/seam/frames"
)

// parameters are what a fault was switched on with.
type parameters struct {
	delay       delay
	probability float64 // above zero, at most 1
	amount      int     // streams, bytes or goroutines; whichever the fault counts
	duration    time.Duration
}

// faultSpec describes a fault to users. What it counts is the JSON name of the
// parameter, with bounds; a fault that counts nothing takes a delay.
type faultSpec struct {
	name        string
	counts      string
	least, most int
	example     string
	en, zh      string
}

var faultSpecs = [numFaults]faultSpec{
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
		en: "the apply goroutine stands still before each entry; those behind it queue up",
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
		name: "small-window", counts: "bytes", least: MinWindow, most: frames.DefaultWindow, example: "bytes 16384",
		en: "clients that connect from now on may send only so many bytes of a request before the server grants more",
		zh: "此后建立的连接上，客户端的一个请求最多先发这么多字节，再等服务端放行",
	},
	busyProcessor: {
		name: "busy-processor", counts: "goroutines", least: 1, most: 256, example: "goroutines 4",
		en: "so many goroutines keep the processors busy; waiting for a processor grows wherever one is needed",
		zh: "这么多 goroutine 一直占着处理器；凡是要等处理器的地方都会变长",
	},
}

func kindOf(name string) (Kind, error) {
	names := make([]string, numFaults)
	for k := range numFaults {
		if names[k] = faultSpecs[k].name; names[k] == name {
			return k, nil
		}
	}
	return 0, control.Unknown(fmt.Sprintf("no fault is called %q; there are %s", name, strings.Join(names, ", ")))
}

// describeFault says what there is to say of a fault; of one that is off, one is nil.
func describeFault(k Kind, one *active) control.Fault {
	spec := &faultSpecs[k]
	out := control.Fault{Name: spec.name, Counts: spec.counts, EN: spec.en, ZH: spec.zh}
	if one == nil {
		return out
	}
	out.On, out.For, out.Struck = true, control.Duration(one.duration), one.times.Load()
	if !one.until.IsZero() {
		out.Until = one.until.UTC().Format(time.RFC3339)
	}
	if spec.counts != "" {
		*out.Amount(spec.counts) = one.amount
	} else {
		out.Delay, out.Probability = one.delay.String(), one.probability
	}
	return out
}

// check reads the parameters, and refuses those that the fault does not take.
func (s *faultSpec) check(in control.Fault) (p parameters, err error) {
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
	if !(p.probability > 0 && p.probability <= 1) { // which no number is that is none
		return p, s.mistake("takes a probability above 0 and not above 1")
	}
	p.delay, err = parseDelay(in.Delay)
	return p, err
}

func (s *faultSpec) checkAmount(n int, in control.Fault) error {
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

func (s *faultSpec) mistake(what string) error {
	return control.Mistake(fmt.Sprintf("%s %s; for example: %s", s.name, what, s.example))
}
