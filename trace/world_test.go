package trace

import (
	"math/rand/v2"
	"strings"
)

// world makes requests as a server under some load would: connections that are
// opened and used again, saves and read rounds that several requests share.
type world struct {
	rc    *Recorder
	rng   *rand.Rand
	now   int64
	conns []*Conn
	saves []*Batch
	reads []*Batch
	wild  bool // stamps in no sensible order
}

func newWorld(rc *Recorder, rng *rand.Rand) *world {
	return &world{rc: rc, rng: rng, now: Now()}
}

func (w *world) pass() int64 { w.now += 1 + w.rng.Int64N(50_000); return w.now }

func (w *world) conn() *Conn {
	switch n := w.rng.IntN(10); {
	case n == 0:
		return nil
	case n < 4 || len(w.conns) == 0:
		peer := []string{"127.0.0.1:50000", "[::1]:1", "@", "pipe", "[fe80::1%eth0]:9", "host:http"}[w.rng.IntN(6)]
		c := w.rc.NewConn(peer, "127.0.0.1:2379")
		for s := firstConnStage; s <= lastConnStage; s++ {
			if s == CmuxMatch || w.rng.IntN(8) == 0 {
				continue
			}
			c.BeginAt(s, w.pass())
			if s != ServeStreams && w.rng.IntN(8) != 0 {
				c.EndAt(s, w.pass())
			}
		}
		if w.rng.IntN(2) == 0 {
			c.TLS = &TLSFacts{Version: "TLS 1.3", Cipher: "TLS_AES_128_GCM_SHA256", PeerName: "a\xffb", Resumed: w.rng.IntN(2) == 0}
			c.Backoff = BackoffFacts{Attempts: w.rng.IntN(3), Error: "accept: too many open files"}
		}
		w.conns = append(w.conns, c)
		return c
	}
	return w.conns[w.rng.IntN(len(w.conns))]
}

func (w *world) batch(of *[]*Batch, kind Stage) *Batch {
	if len(*of) > 0 && w.rng.IntN(2) == 0 {
		return (*of)[w.rng.IntN(len(*of))]
	}
	b := NewBatch(kind, w.rng.IntN(6))
	b.Begin(w.pass())
	if w.rng.IntN(6) != 0 {
		begin := w.pass()
		b.SyncInferred.Store(kind == WALSave && w.rng.IntN(3) == 0)
		b.Inner(begin, w.pass())
	}
	if w.rng.IntN(6) == 0 {
		b.Fail("no space left on dev\xffice")
	}
	if w.rng.IntN(6) != 0 {
		b.End(w.pass())
	}
	*of = append(*of, b)
	return b
}

// request makes a record of anything that can happen, all but finished. Some are
// made of others, at some depth.
func (w *world) request() *Record { return w.nested(0) }

func (w *world) nested(depth int) *Record {
	r := w.one()
	if depth > 2 || w.rng.IntN(3) != 0 {
		return r
	}
	for range 1 + w.rng.IntN(3) {
		part := w.nested(depth + 1)
		if part.conn == nil && w.rng.IntN(2) == 0 {
			part.Mark(MarkClient)
		}
		if !r.Embed(part, []Stage{GatewayCall, V3Lock, GRPCHandler, None}[w.rng.IntN(4)]) {
			panic("a record that is not finished refuses a part")
		}
		part.Done(allEvents)
	}
	r.end.Store(w.pass())
	return r
}

func (w *world) one() *Record {
	r := w.rc.Start(w.conn(), w.rng.Uint32(), w.pass())
	pick := func(all ...string) string { return all[w.rng.IntN(len(all))] }
	r.Facts().Method = pick("/etcdserverpb.KV/Put", "/etcdserverpb.KV/Range", "nonsense", "", "/", "/a", "/a/b/c", "//", "/bad\xff/\x00")
	for _, m := range []Mark{MarkTapped, MarkBegun, MarkReset, MarkResetSent, MarkConnClosed, MarkSwept, MarkStopping, MarkStreaming,
		MarkHTTP, MarkServeHTTP, MarkInProcess, MarkGoAway, MarkPanic, MarkWorker, MarkSpilled, MarkTimedOut} {
		if w.rng.IntN(4) == 0 {
			r.Mark(m)
		}
	}
	if w.rng.IntN(3) == 0 {
		r.Adopt("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
		r.traceID, _ = newIDs() // the client has a trace for each
	}
	if w.rng.IntN(4) != 0 {
		r.SetKey([]byte(pick("greeting", "", "7", "true", "\x00\xff\xfe", "a: b", strings.Repeat("钥", 100))))
		r.Facts().ValueSize, r.Facts().Revision = w.rng.IntN(3), w.rng.Int64N(3)
		r.SetBehind(w.rng.IntN(3))
	}
	if w.rng.IntN(4) != 0 {
		r.SetCode(w.rng.Uint32N(20), pick("", "etcdserver: request is too large", "\xff"))
	}
	if r.Has(MarkHTTP) {
		r.Facts().HTTPStatus = []int{0, 200, 404, 503, 799}[w.rng.IntN(5)]
	}
	r.AddIn(w.rng.IntN(1000))
	r.AddOut(w.rng.IntN(1000))
	w.stages(r)
	if w.rng.IntN(2) == 0 {
		r.SetSave(w.batch(&w.saves, WALSave))
		r.save.Load().Add(r)
	}
	if w.rng.IntN(4) == 0 {
		r.SetRound(w.batch(&w.reads, ReadIndex))
		r.round.Load().Add(r)
	}
	r.end.Store(w.pass())
	return r
}

func (w *world) stages(r *Record) {
	for s := None + 1; s < NumStages; s++ {
		if (firstConnStage <= s && s <= lastConnStage) || s == WALSave || s == WALSync || s == ReadIndex || s == ReadWaitApplied ||
			w.rng.IntN(3) == 0 {
			continue
		}
		begin := w.pass()
		if w.wild {
			begin = r.begin + w.rng.Int64N(100_000) - 20_000
		}
		if (s == RecvMsg || s == SendMsg) && r.Has(MarkStreaming) {
			for range w.rng.IntN(200) {
				r.RepeatOf(s, begin, begin+10, Detail{Events: w.rng.Int64N(3), Revision: w.rng.Int64N(3)})
				begin += 20
			}
			w.now = max(w.now, begin)
			continue
		}
		r.BeginAt(s, begin)
		if w.rng.IntN(10) != 0 {
			r.EndAt(s, w.pass())
		}
	}
}
