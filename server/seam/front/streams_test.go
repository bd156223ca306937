package front

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"

	"glasskv/server/seam/seamtest"
	"glasskv/trace"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

func TestTheMessagesOfAStreamAreStagesThatRepeat(t *testing.T) {
	r := newRig(t, Options{})
	const n = 3
	r.kv.stream = func(_ *pb.RangeRequest, ss grpc.ServerStreamingServer[pb.RangeStreamResponse]) error {
		for range n {
			if err := ss.Send(&pb.RangeStreamResponse{}); err != nil {
				return err
			}
		}
		return nil
	}
	client, err := pb.NewKVClient(r.dial()).RangeStream(seamtest.Limit(t), &pb.RangeRequest{Key: []byte("k")})
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = client.Recv()
	}
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	tl := r.check(r.record(), expect{
		method: pb.KV_RangeStream_FullMethodName, code: codes.OK, marks: record.MarkStreaming | record.MarkBegun,
		reached: []stages.Stage{stages.Interceptors, stages.V3RangeStream, stages.RecvMsg, stages.SendMsg, stages.WriteStatus, stages.Flush},
	})
	for s, want := range map[stages.Stage]int{stages.RecvMsg: 1, stages.CodecDecode: 1, stages.SendMsg: n, stages.CodecEncode: n} {
		if got := rows(tl, s); len(got) != want {
			t.Errorf("%s: %d rows, want %d", s, len(got), want)
		}
	}
	if tl.Attributes[trace.AttrKey] != "k" {
		t.Errorf("attributes: %v", tl.Attributes)
	}
}

func rows(tl *trace.Timeline, s stages.Stage) (found []trace.StageTime) {
	for _, st := range tl.Stages {
		if st.Stage == s.String() {
			found = append(found, st)
		}
	}
	return found
}

func TestALongStreamKeepsItsFirstAndLastMessagesAndCountsTheOthers(t *testing.T) {
	rec := seamtest.Record(t)
	const kept, all = 64, 1000
	for i := range int64(all) {
		rec.Repeat(stages.SendMsg, 1+2*i, 2+2*i)
	}
	got, counted, length := rows(rec.Timeline(), stages.SendMsg), 0, int64(0)
	for _, row := range got {
		counted += max(1, row.Count)
		length = row.EndNS - got[0].BeginNS
	}
	if counted != all || len(got) > kept+1 || length != 2*all-1 {
		t.Errorf("%d messages in %d rows over %d ns", counted, len(got), length)
	}
}

func TestAStreamThatTheServerEndsFirst(t *testing.T) {
	r := newRig(t, Options{})
	ctx, cancel := context.WithCancel(seamtest.Limit(t))
	watch, err := healthpb.NewHealthClient(r.dial()).Watch(ctx, &healthpb.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := watch.Recv(); err != nil {
		t.Fatal(err)
	}
	cancel()
	r.check(r.record(), expect{
		method: healthpb.Health_Watch_FullMethodName, code: codes.Canceled,
		marks: record.MarkStreaming | record.MarkReset, reached: []stages.Stage{stages.SendMsg, stages.GRPCHandler},
	})
}

func TestMoreRequestsThanSlots(t *testing.T) {
	r := newRig(t, Options{})
	held := r.holdPut()
	c := seamtest.Dial(r, r.addr)
	const n = 3 * streamSlots
	for i := range uint32(n) {
		c.Put(2*i + 1)
	}
	for range n {
		ctxOf(c, held)
	}
	held.free()
	var ids []uint32
	for range n {
		rec := r.record()
		r.check(rec, expect{method: pb.KV_Put_FullMethodName, code: codes.OK, reached: []stages.Stage{stages.Flush}})
		ids = append(ids, rec.StreamID())
	}
	slices.Sort(ids)
	if ids = slices.Compact(ids); len(ids) != n {
		t.Errorf("%d different streams, want %d", len(ids), n)
	}
}

func TestStreamsAreFoundUntilTheyAreRemoved(t *testing.T) {
	recorder := record.NewRecorder(record.Options{})
	t.Cleanup(func() { _ = recorder.Close(context.Background()) })
	var table streams
	var all []*stream
	for i := range uint32(2*streamSlots + 1) {
		s := &stream{rec: recorder.Start(nil, 2*i+1, record.Now())}
		all = append(all, s)
		table.add(s)
	}
	for _, s := range all {
		if table.find(s.rec.StreamID()) != s {
			t.Fatalf("stream %d is not found", s.rec.StreamID())
		}
	}
	if n := table.each(func(*stream) {}); n != len(all) {
		t.Errorf("%d streams, want %d", n, len(all))
	}
	var wg sync.WaitGroup
	for _, s := range all {
		for range 2 { // whoever brings the last event removes it, and there may be two
			wg.Go(func() { table.remove(s) })
		}
	}
	wg.Wait()
	for _, s := range all {
		if table.find(s.rec.StreamID()) != nil {
			t.Errorf("stream %d is still found", s.rec.StreamID())
		}
	}
	if n := table.spilled.Load(); n != 0 {
		t.Errorf("%d spilled streams are left", n)
	}
}

// Whichever of the three events comes last finishes the record, and removes the stream.
func TestTheLastOfThreeEventsFinishesARecord(t *testing.T) {
	const handled, wire, read = record.EventHandled, record.EventWire, record.EventRead
	for _, order := range [][]record.Event{
		{handled, wire, read}, {handled, read, wire}, {wire, handled, read},
		{wire, read, handled}, {read, handled, wire}, {read, wire, handled},
	} {
		c := &serverConn{}
		s := &stream{rec: seamtest.Record(t), conn: c}
		c.streams.add(s)
		for i, event := range order {
			s.done(event)
			s.done(event) // may be reported twice, and counts once
			last := i == len(order)-1
			if s.rec.Finished() != last || (c.streams.find(s.rec.StreamID()) == nil) != last {
				t.Errorf("%b, after %d: finished %v, %d streams", order, i+1, s.rec.Finished(), c.streams.each(func(*stream) {}))
			}
		}
	}
}

func TestManyClientsAtOnce(t *testing.T) {
	r := newRig(t, Options{})
	const conns, clients, puts = 4, 64, 8
	var wg sync.WaitGroup
	dialed := make([]pb.KVClient, conns)
	for i := range dialed {
		dialed[i] = pb.NewKVClient(r.dial())
	}
	ctx := seamtest.Limit(t)
	for i := range clients {
		wg.Go(func() {
			for range puts {
				if _, err := dialed[i%conns].Put(ctx, &pb.PutRequest{Key: []byte("k")}); err != nil {
					t.Errorf("put: %v", err)
				}
			}
		})
	}
	wg.Wait()
	openers := 0
	for range clients * puts {
		rec := r.record()
		r.check(rec, expect{method: pb.KV_Put_FullMethodName, code: codes.OK, without: record.MarkConnClosed | record.MarkSwept})
		if rec.Has(record.MarkOpener) {
			openers++
		}
	}
	if openers != conns {
		t.Errorf("%d requests opened a connection, want %d", openers, conns)
	}
}

// While the connection stays open, nothing keeps a request that is over.
func TestAConnectionKeepsNoRequestThatIsOver(t *testing.T) {
	const clients, rounds = 64, 10
	r := newRig(t, Options{})
	kv := pb.NewKVClient(r.dial())
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for range rounds {
				if _, err := kv.Put(seamtest.Limit(t), &pb.PutRequest{Key: []byte("k")}); err != nil {
					t.Errorf("put: %v", err)
				}
			}
		})
	}
	wg.Wait()
	for range clients * rounds {
		r.record()
	}
	conns := 0
	r.front.conns.Range(func(key, _ any) bool {
		conns++
		c, _ := key.(*serverConn)
		if n := c.streams.each(func(*stream) {}); n != 0 {
			t.Errorf("%d requests are still known to their connection", n)
		}
		return true
	})
	if conns != 1 {
		t.Errorf("%d connections are open, want 1", conns)
	}
}
