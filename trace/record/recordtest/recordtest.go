// Package recordtest makes records for tests: typical ones, and arbitrary ones.
package recordtest

import (
	"math/rand/v2"
	"strings"
	"testing"

	"glasskv/trace"
	"glasskv/trace/record"
	"glasskv/trace/stages"
)

// WarmPut returns the record of a Put with all stages that a Put passes, on stream 3 of conn.
// The stages follow each other every 10 µs and last 9 µs. Conn and batch may be nil; the Put
// is added to batch. The record has no events yet.
func WarmPut(rc *record.Recorder, conn *record.Conn, batch *record.Batch) *record.Record {
	begin := record.Now()
	r := rc.Start(conn, 3, begin)
	r.Mark(record.MarkTapped | record.MarkBegun)
	r.Facts().Method, r.Facts().ValueSize, r.Facts().Revision = "/etcdserverpb.KV/Put", 256, 7
	r.SetKey([]byte("greeting"))
	r.SetCode(0, "")
	r.AddIn(400)
	r.AddOut(80)
	for i, s := range []stages.Stage{
		stages.OperateHeaders, stages.StartHandler, stages.HandleStream, stages.ProcessRPC, stages.RecvMsg, stages.CodecDecode, stages.Interceptors, stages.V3Put, stages.RaftRequest,
		stages.ProcessOnce, stages.RaftPropose, stages.RaftWaitReady, stages.RaftCommit, stages.ApplyWait, stages.ApplySchedule, stages.ApplyQueue, stages.ApplyEntry, stages.TxnPut,
		stages.MVCCBegin, stages.MVCCPut, stages.MVCCEnd, stages.WaitTrigger, stages.SendMsg, stages.CodecEncode, stages.WriteStatus, stages.Flush,
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

// SavedBatch returns a WAL save of 3 µs, of which the fsync took 1 µs, for n requests.
func SavedBatch(n int) *record.Batch {
	b := record.NewBatch(stages.WALSave, n)
	now := record.Now()
	b.BeginAt(now + 1000)
	b.SecondStageAt(now+2000, now+3000)
	b.EndAt(now + 4000)
	return b
}

// GatewayPut returns the three records of a Put over HTTP/1, none of which has events yet: h
// of the HTTP request, c of the gateway's gRPC client, which is a part of h, and s of the gRPC
// server, which is a part of c. Times in it are nanoseconds from the first byte of h.
func GatewayPut(t testing.TB, rc *record.Recorder) (h, c, s *record.Record) {
	t.Helper()
	begin := record.Now()
	stamp := func(r *record.Record, s stages.Stage, from, to int64) {
		r.BeginAt(s, begin+from)
		r.EndAt(s, begin+to)
	}
	h = rc.Start(rc.NewConn("127.0.0.1:4711", "127.0.0.1:2379"), 0, begin)
	h.Mark(record.MarkHTTP)
	h.Facts().Method, h.Facts().HTTPStatus = "POST /v3/kv/put", 200
	stamp(h, stages.HTTPReadRequest, 0, 50)
	stamp(h, stages.HTTPHandler, 50, 900)
	stamp(h, stages.GatewayDecode, 60, 100)
	stamp(h, stages.GatewayCall, 100, 800)
	stamp(h, stages.GatewayEncode, 800, 890)
	stamp(h, stages.HTTPFlush, 900, 1000)

	c = rc.Start(nil, 0, begin+110)
	c.Mark(record.MarkClient)
	c.Facts().Method = "/etcdserverpb.KV/Put"
	c.SetCode(0, "")
	stamp(c, stages.ClientSend, 110, 200)
	c.BeginAt(stages.NetRequest, begin+200)
	c.EndAt(stages.NetReply, begin+750)
	stamp(c, stages.ClientRecv, 750, 790)

	s = rc.Start(rc.NewConn("127.0.0.1:4712", "127.0.0.1:2379"), 1, begin+220)
	s.Mark(record.MarkTapped | record.MarkBegun)
	s.Facts().Method = "/etcdserverpb.KV/Put"
	s.Adopt(c.TraceParent())
	s.SetCode(0, "")
	s.SetKey([]byte("greeting"))
	stamp(s, stages.OperateHeaders, 220, 260)
	stamp(s, stages.StartHandler, 260, 300)
	stamp(s, stages.HandleStream, 300, 690)
	stamp(s, stages.V3Put, 310, 680)
	stamp(s, stages.Flush, 690, 740)
	if !h.Embed(c, stages.GatewayCall) || !c.Embed(s, stages.NetRequest) {
		t.Fatal("a part was refused")
	}
	return h, c, s
}

// World makes requests as a server under load would: connections that are opened and used
// again, saves and read rounds that several requests share.
type World struct {
	rc    *record.Recorder
	rng   *rand.Rand
	now   int64
	Conns []*record.Conn  // so far
	Saves []*record.Batch // so far
	Reads []*record.Batch // so far
	Wild  bool            // stamps in no sensible order
}

// NewWorld returns a World that makes the same requests again for the same generator, but
// for their IDs and their first stamp.
func NewWorld(rc *record.Recorder, rng *rand.Rand) *World {
	return &World{rc: rc, rng: rng, now: record.Now()}
}

// pass returns the next stamp, up to 50 µs after the last.
func (w *World) pass() int64 { w.now += 1 + w.rng.Int64N(50_000); return w.now }

func (w *World) conn() *record.Conn {
	switch n := w.rng.IntN(10); {
	case n == 0:
		return nil
	case n < 4 || len(w.Conns) == 0:
		peer := []string{"127.0.0.1:50000", "[::1]:1", "@", "pipe", "[fe80::1%eth0]:9", "host:http"}[w.rng.IntN(6)]
		c := w.rc.NewConn(peer, "127.0.0.1:2379")
		for s := stages.FirstConn; s <= stages.LastConn; s++ {
			if s == stages.CmuxMatch || w.rng.IntN(8) == 0 {
				continue
			}
			c.BeginAt(s, w.pass())
			if s != stages.ServeStreams && w.rng.IntN(8) != 0 {
				c.EndAt(s, w.pass())
			}
		}
		if w.rng.IntN(2) == 0 {
			c.TLS = &record.TLSFacts{Version: "TLS 1.3", Cipher: "TLS_AES_128_GCM_SHA256", PeerName: "a\xffb", Resumed: w.rng.IntN(2) == 0}
			c.Backoff = record.BackoffFacts{Attempts: w.rng.IntN(3), Error: "accept: too many open files"}
		}
		w.Conns = append(w.Conns, c)
		return c
	}
	return w.Conns[w.rng.IntN(len(w.Conns))]
}

func (w *World) batch(of *[]*record.Batch, kind stages.Stage) *record.Batch {
	if len(*of) > 0 && w.rng.IntN(2) == 0 {
		return (*of)[w.rng.IntN(len(*of))]
	}
	b := record.NewBatch(kind, w.rng.IntN(6))
	b.BeginAt(w.pass())
	if w.rng.IntN(6) != 0 {
		begin := w.pass()
		b.SyncInferred.Store(kind == stages.WALSave && w.rng.IntN(3) == 0)
		b.SecondStageAt(begin, w.pass())
	}
	if w.rng.IntN(6) == 0 {
		b.Fail("no space left on dev\xffice")
	}
	if w.rng.IntN(6) != 0 {
		b.EndAt(w.pass())
	}
	*of = append(*of, b)
	return b
}

// Request returns a record of anything that can happen to a request. Its events are still to
// be reported; those of its parts, which some records have at some depth, are reported.
func (w *World) Request() *record.Record { return w.nested(0) }

func (w *World) nested(depth int) *record.Record {
	r := w.single()
	if depth > 2 || w.rng.IntN(3) != 0 {
		return r
	}
	for range 1 + w.rng.IntN(3) {
		part := w.nested(depth + 1)
		if part.Conn() == nil && w.rng.IntN(2) == 0 {
			part.Mark(record.MarkClient)
		}
		if !r.Embed(part, []stages.Stage{stages.GatewayCall, stages.V3Lock, stages.GRPCHandler, stages.None}[w.rng.IntN(4)]) {
			panic("a record that is not finished refuses a part")
		}
		part.Done(record.AllEvents)
	}
	r.SetEnd(w.pass())
	return r
}

func (w *World) single() *record.Record {
	conn, stream, start := w.conn(), w.rng.Uint32(), w.pass()
	r := w.rc.Start(conn, stream, start)
	pick := func(all ...string) string { return all[w.rng.IntN(len(all))] }
	r.Facts().Method = pick("/etcdserverpb.KV/Put", "/etcdserverpb.KV/Range", "nonsense", "", "/", "/a", "/a/b/c", "//", "/bad\xff/\x00")
	for _, m := range []record.Mark{record.MarkTapped, record.MarkBegun, record.MarkReset, record.MarkResetSent, record.MarkConnClosed, record.MarkSwept, record.MarkStopping, record.MarkStreaming,
		record.MarkHTTP, record.MarkServeHTTP, record.MarkInProcess, record.MarkGoAway, record.MarkPanic, record.MarkWorker, record.MarkSpilled, record.MarkTimedOut} {
		if w.rng.IntN(4) == 0 {
			r.Mark(m)
		}
	}
	if w.rng.IntN(3) == 0 {
		id, _ := trace.NewIDs() // the client has a trace for each
		r.Adopt(trace.FormatTraceParent(id, 0xb7ad6b7169203331, true))
	}
	if w.rng.IntN(4) != 0 {
		r.SetKey([]byte(pick("greeting", "", "7", "true", "\x00\xff\xfe", "a: b", strings.Repeat("钥", 100))))
		r.Facts().ValueSize, r.Facts().Revision = w.rng.IntN(3), w.rng.Int64N(3)
		r.SetBehind(w.rng.IntN(3))
	}
	if w.rng.IntN(4) != 0 {
		r.SetCode(w.rng.Uint32N(20), pick("", "etcdserver: request is too large", "\xff"))
	}
	if r.Has(record.MarkHTTP) {
		r.Facts().HTTPStatus = []int{0, 200, 404, 503, 799}[w.rng.IntN(5)]
	}
	r.AddIn(w.rng.IntN(1000))
	r.AddOut(w.rng.IntN(1000))
	w.stages(r, start)
	if w.rng.IntN(2) == 0 {
		save := w.batch(&w.Saves, stages.WALSave)
		r.SetSave(save)
		save.Add(r)
	}
	if w.rng.IntN(4) == 0 {
		round := w.batch(&w.Reads, stages.ReadIndex)
		r.SetRound(round)
		round.Add(r)
	}
	r.SetEnd(w.pass())
	return r
}

func (w *World) stages(r *record.Record, start int64) {
	for s := stages.None + 1; s < stages.NumStages; s++ {
		if (stages.FirstConn <= s && s <= stages.LastConn) || s == stages.WALSave || s == stages.WALSync || s == stages.ReadIndex || s == stages.ReadWaitApplied ||
			w.rng.IntN(3) == 0 {
			continue
		}
		begin := w.pass()
		if w.Wild {
			begin = start + w.rng.Int64N(100_000) - 20_000
		}
		if (s == stages.RecvMsg || s == stages.SendMsg) && r.Has(record.MarkStreaming) {
			for range w.rng.IntN(200) {
				r.RepeatOf(s, begin, begin+10, record.Detail{Events: w.rng.Int64N(3), Revision: w.rng.Int64N(3)})
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

// PausedPut returns the record of a Put of 3.1 µs that was held at raft.propose for 2 µs of
// them, and the stamp at which it began. The record has no events yet.
func PausedPut(rc *record.Recorder) (r *record.Record, begin int64) {
	begin = record.Now()
	r = rc.Start(nil, 1, begin)
	r.Facts().Method = "/etcdserverpb.KV/Put"
	r.Mark(record.MarkBegun)
	for _, s := range []stages.Stage{stages.HandleStream, stages.ProcessRPC, stages.V3Put, stages.ProcessOnce} {
		r.BeginAt(s, begin)
		r.EndAt(s, begin+3000)
	}
	resume := r.Pause(stages.Hold, begin+500, record.Pause{At: stages.RaftPropose, Why: trace.WhyBreakpoint})
	resume(begin+2500, trace.EndedContinued)
	r.BeginAt(stages.RaftPropose, begin+2500)
	r.EndAt(stages.RaftPropose, begin+3000)
	r.BeginAt(stages.Flush, begin+3000)
	r.EndAt(stages.Flush, begin+3100)
	return r, begin
}
