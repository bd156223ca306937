package record

import (
	"context"
	"testing"
	"time"

	"glasskv/trace"
	"glasskv/trace/stages"
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

func savedBatch(n int) *Batch {
	b := NewBatch(stages.WALSave, n)
	now := Now()
	b.BeginAt(now + 1000)
	b.InnerAt(now+2000, now+3000)
	b.EndAt(now + 4000)
	return b
}

// gatewayPut tells a Put that came as HTTP/1: the gateway calls the server itself
// is. The times are nanoseconds from the HTTP request's first byte.
func gatewayPut(t testing.TB, rc *Recorder) (h, c, s *Record) {
	t.Helper()
	begin := Now()
	stamp := func(r *Record, s stages.Stage, from, to int64) {
		r.BeginAt(s, begin+from)
		r.EndAt(s, begin+to)
	}
	h = rc.Start(rc.NewConn("127.0.0.1:4711", "127.0.0.1:2379"), 0, begin)
	h.Mark(MarkHTTP)
	h.Facts().Method, h.Facts().HTTPStatus = "POST /v3/kv/put", 200
	stamp(h, stages.HTTPReadRequest, 0, 50)
	stamp(h, stages.HTTPHandler, 50, 900)
	stamp(h, stages.GatewayDecode, 60, 100)
	stamp(h, stages.GatewayCall, 100, 800)
	stamp(h, stages.GatewayEncode, 800, 890)
	stamp(h, stages.HTTPFlush, 900, 1000)

	c = rc.Start(nil, 0, begin+110)
	c.Mark(MarkClient)
	c.Facts().Method = "/etcdserverpb.KV/Put"
	c.SetCode(0, "")
	stamp(c, stages.ClientSend, 110, 200)
	c.BeginAt(stages.NetRequest, begin+200)
	c.EndAt(stages.NetReply, begin+750)
	stamp(c, stages.ClientRecv, 750, 790)

	s = rc.Start(rc.NewConn("127.0.0.1:4712", "127.0.0.1:2379"), 1, begin+220)
	s.Mark(MarkTapped | MarkBegun)
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

// pausedPut tells a put that was held before raft.propose, for two thirds of its
// time.
func pausedPut(rc *Recorder) (r *Record, begin int64) {
	begin = Now()
	r = rc.Start(nil, 1, begin)
	r.Facts().Method = "/etcdserverpb.KV/Put"
	r.Mark(MarkBegun)
	for _, s := range []stages.Stage{stages.HandleStream, stages.ProcessRPC, stages.V3Put, stages.ProcessOnce} {
		r.BeginAt(s, begin)
		r.EndAt(s, begin+3000)
	}
	resume := r.Pause(stages.Hold, begin+500, Pause{At: stages.RaftPropose, Why: trace.WhyBreakpoint})
	resume(begin+2500, trace.EndedContinued)
	r.BeginAt(stages.RaftPropose, begin+2500)
	r.EndAt(stages.RaftPropose, begin+3000)
	r.BeginAt(stages.Flush, begin+3000)
	r.EndAt(stages.Flush, begin+3100)
	return r, begin
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
