package trace

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// warmPut is a record with all the stages that a Put passes.
func warmPut(rc *Recorder, conn *Conn, batch *Batch) *Record {
	begin := Now()
	r := rc.Start(conn, 3, begin)
	r.Mark(MarkTapped | MarkBegun)
	r.Facts().Method, r.Facts().ValueSize, r.Facts().Revision = "/etcdserverpb.KV/Put", 256, 7
	r.SetKey([]byte("greeting"))
	r.SetCode(0, "")
	r.AddIn(400)
	r.AddOut(80)
	for i, s := range []Stage{
		OperateHeaders, StartHandler, HandleStream, ProcessRPC, RecvMsg, CodecDecode, Interceptors, V3Put, RaftRequest,
		ProcessOnce, RaftPropose, RaftWaitReady, RaftCommit, ApplyWait, ApplySchedule, ApplyQueue, ApplyEntry, TxnPut,
		MVCCBegin, MVCCPut, MVCCEnd, WaitTrigger, SendMsg, CodecEncode, WriteStatus, Flush,
	} {
		r.BeginAt(s, begin+int64(i)*10_000)
		r.EndAt(s, begin+int64(i)*10_000+9_000)
	}
	if batch != nil {
		batch.Add(r)
		r.SetSave(batch)
	}
	return r
}

func savedBatch(n int) *Batch {
	b := NewBatch(WALSave, n)
	now := Now()
	b.Begin(now + 1000)
	b.Inner(now+2000, now+3000)
	b.End(now + 4000)
	return b
}

// gatewayPut tells a Put that came as HTTP/1: the gateway calls the server itself
// is. The times are nanoseconds from the HTTP request's first byte.
func gatewayPut(t testing.TB, rc *Recorder) (h, c, s *Record) {
	t.Helper()
	begin := Now()
	stamp := func(r *Record, s Stage, from, to int64) {
		r.BeginAt(s, begin+from)
		r.EndAt(s, begin+to)
	}
	h = rc.Start(rc.NewConn("127.0.0.1:4711", "127.0.0.1:2379"), 0, begin)
	h.Mark(MarkHTTP)
	h.Facts().Method, h.Facts().HTTPStatus = "POST /v3/kv/put", 200
	stamp(h, HTTPReadRequest, 0, 50)
	stamp(h, HTTPHandler, 50, 900)
	stamp(h, GatewayDecode, 60, 100)
	stamp(h, GatewayCall, 100, 800)
	stamp(h, GatewayEncode, 800, 890)
	stamp(h, HTTPFlush, 900, 1000)

	c = rc.Start(nil, 0, begin+110)
	c.Mark(MarkClient)
	c.Facts().Method = "/etcdserverpb.KV/Put"
	c.SetCode(0, "")
	stamp(c, ClientSend, 110, 200)
	c.BeginAt(NetRequest, begin+200)
	c.EndAt(NetReply, begin+750)
	stamp(c, ClientRecv, 750, 790)

	s = rc.Start(rc.NewConn("127.0.0.1:4712", "127.0.0.1:2379"), 1, begin+220)
	s.Mark(MarkTapped | MarkBegun)
	s.Facts().Method = "/etcdserverpb.KV/Put"
	s.Adopt(c.TraceParent())
	s.SetCode(0, "")
	s.SetKey([]byte("greeting"))
	stamp(s, OperateHeaders, 220, 260)
	stamp(s, StartHandler, 260, 300)
	stamp(s, HandleStream, 300, 690)
	stamp(s, V3Put, 310, 680)
	stamp(s, Flush, 690, 740)
	if !h.Embed(c, GatewayCall) || !c.Embed(s, NetRequest) {
		t.Fatal("a part was refused")
	}
	return h, c, s
}

// limit ends what hangs; nothing waits for it otherwise.
func limit(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func closeRecorder(t testing.TB, rc *Recorder) {
	t.Helper()
	if err := rc.Close(limit(t)); err != nil {
		t.Errorf("close: %v", err)
	}
}

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
		if part.Conn() == nil && w.rng.IntN(2) == 0 {
			part.Mark(MarkClient)
		}
		if !r.Embed(part, []Stage{GatewayCall, V3Lock, GRPCHandler, None}[w.rng.IntN(4)]) {
			panic("a record that is not finished refuses a part")
		}
		part.Done(allEvents)
	}
	r.OverAt(w.pass())
	return r
}

func (w *world) one() *Record {
	conn, stream, start := w.conn(), w.rng.Uint32(), w.pass()
	r := w.rc.Start(conn, stream, start)
	pick := func(all ...string) string { return all[w.rng.IntN(len(all))] }
	r.Facts().Method = pick("/etcdserverpb.KV/Put", "/etcdserverpb.KV/Range", "nonsense", "", "/", "/a", "/a/b/c", "//", "/bad\xff/\x00")
	for _, m := range []Mark{MarkTapped, MarkBegun, MarkReset, MarkResetSent, MarkConnClosed, MarkSwept, MarkStopping, MarkStreaming,
		MarkHTTP, MarkServeHTTP, MarkInProcess, MarkGoAway, MarkPanic, MarkWorker, MarkSpilled, MarkTimedOut} {
		if w.rng.IntN(4) == 0 {
			r.Mark(m)
		}
	}
	if w.rng.IntN(3) == 0 {
		id, _ := newIDs() // the client has a trace for each
		r.Adopt(formatTraceParent(id, 0xb7ad6b7169203331, true))
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
	w.stages(r, start)
	if w.rng.IntN(2) == 0 {
		save := w.batch(&w.saves, WALSave)
		r.SetSave(save)
		save.Add(r)
	}
	if w.rng.IntN(4) == 0 {
		round := w.batch(&w.reads, ReadIndex)
		r.SetRound(round)
		round.Add(r)
	}
	r.OverAt(w.pass())
	return r
}

func (w *world) stages(r *Record, start int64) {
	for s := None + 1; s < NumStages; s++ {
		if (firstConnStage <= s && s <= lastConnStage) || s == WALSave || s == WALSync || s == ReadIndex || s == ReadWaitApplied ||
			w.rng.IntN(3) == 0 {
			continue
		}
		begin := w.pass()
		if w.wild {
			begin = start + w.rng.Int64N(100_000) - 20_000
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

// pausedPut tells a put that was held before raft.propose, for two thirds of its
// time.
func pausedPut(rc *Recorder) (r *Record, begin int64) {
	begin = Now()
	r = rc.Start(nil, 1, begin)
	r.Facts().Method = "/etcdserverpb.KV/Put"
	r.Mark(MarkBegun)
	for _, s := range []Stage{HandleStream, ProcessRPC, V3Put, ProcessOnce} {
		r.BeginAt(s, begin)
		r.EndAt(s, begin+3000)
	}
	resume := r.Pause(Hold, begin+500, Pause{At: RaftPropose, Why: WhyBreakpoint})
	resume(begin+2500, EndedContinued)
	r.BeginAt(RaftPropose, begin+2500)
	r.EndAt(RaftPropose, begin+3000)
	r.BeginAt(Flush, begin+3000)
	r.EndAt(Flush, begin+3100)
	return r, begin
}
