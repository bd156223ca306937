package seam

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"glasskv/server/seam/client"
	"glasskv/server/seam/seamtest"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// call is a request under way, or many that are alike.
type call struct {
	n       int
	key     string
	cancel  context.CancelFunc
	replies chan string
	watch   chan healthpb.Health_WatchClient
}

// action is what a client does; it returns what it saw.
type action func(ctx context.Context, cc *grpc.ClientConn) string

// request sends a request and waits for its end, or not.
func (s *story) request(w words) string {
	c := s.send(w)
	if w.has("as") {
		s.calls[w.named("as", "")] = c
		return ""
	}
	return s.finish(c, w)
}

func (s *story) send(w words) *call {
	if !w.has("unsettled") {
		s.settle()
	}
	cc, ctx := s.conn(w.named("conn", "first")), seamtest.Limit(s)
	if parent := w.named("traceparent", ""); parent != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, client.HeaderTraceParent, parent)
	}
	c := &call{n: max(1, w.namedNumber("times")), watch: make(chan healthpb.Health_WatchClient, 1)}
	if c.replies = make(chan string, c.n); w.Cmd == "put" || w.Cmd == "get" {
		c.key = w.at(0)
	}
	if key, ok := serviceKey(w); ok {
		c.key = key
	}
	ctx, c.cancel = context.WithCancel(ctx)
	s.Cleanup(c.cancel)
	for range c.n {
		go func() {
			var header metadata.MD
			reply := s.action(w, c, grpc.Header(&header))(ctx, cc)
			c.replies <- "client: " + reply + "\n" + returned(header)
		}()
	}
	return c
}

// returned tells what the server says of the trace.
func returned(header metadata.MD) (text string) {
	for _, name := range []string{client.HeaderTraceParent, client.HeaderTraceURL} {
		for _, value := range header.Get(name) {
			text += fmt.Sprintf("  %s: %s\n", name, masked(value))
		}
	}
	return text
}

// masked hides the span ID of a traceparent, which chance made.
func masked(value string) string {
	if part := strings.Split(value, "-"); len(part) == 4 {
		part[2] = "its-own-span-id"
		return strings.Join(part, "-")
	}
	return value
}

// finish waits for a call's replies and records, and tells of each kind once.
func (s *story) finish(c *call, w words) string {
	var told []string
	for range c.n {
		told = append(told, seamtest.Await(s, "reply", c.replies))
	}
	told = slices.Compact(told)
	return strings.Join(told, "") + s.records(c.n, c.key, w)
}

func (s *story) call(name string) *call {
	c := s.calls[name]
	if c == nil {
		s.Fatalf("no call %q", name)
	}
	return c
}

// message takes the next message of a stream.
func (s *story) message(c *call) string {
	stream := seamtest.Await(s, "stream", c.watch)
	c.watch <- stream
	m, err := stream.Recv()
	return said(err, m.GetStatus().String())
}

// conn returns the connection of that name, new when it is first asked for.
func (s *story) conn(name string) *grpc.ClientConn {
	if s.conns[name] == nil {
		cc, err := grpc.NewClient(s.node.Endpoint(), grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			s.Fatal(err)
		}
		s.Cleanup(func() { _ = cc.Close() })
		s.conns[name] = cc
	}
	return s.conns[name]
}

// said is what a client makes of an answer.
func said(err error, ok string) string {
	if err == nil {
		return ok
	}
	st := status.Convert(err)
	message, _, broken := strings.Cut(st.Message(), " from server: ")
	if broken {
		// Why it broke depends on who was quicker; so does whether the client had read
		// the server's GOAWAY before, which is then told in front.
		message = message[max(0, strings.LastIndex(message, "error reading")):] + " from server"
	}
	return fmt.Sprintf("%s: %s", st.Code(), message)
}

// action says what a command's client does.
func (s *story) action(w words, c *call, opts ...grpc.CallOption) action {
	switch w.Cmd {
	case "put", "get", "del", "txn", "compact":
		return kvAction(w, opts...)
	case "grant", "revoke", "ttl", "leases":
		return leaseAction(w, opts...)
	case "lock", "unlock", "campaign", "proclaim", "leader", "resign", "snapshot":
		return serviceAction(w, opts...)
	case "watch":
		return func(ctx context.Context, cc *grpc.ClientConn) string {
			stream, err := healthpb.NewHealthClient(cc).Watch(ctx, &healthpb.HealthCheckRequest{}, opts...)
			if err != nil {
				return said(err, "")
			}
			c.watch <- stream
			<-stream.Context().Done()
			return "the stream is over"
		}
	default: // call METHOD
		return func(ctx context.Context, cc *grpc.ClientConn) string {
			return said(cc.Invoke(ctx, w.at(0), &emptypb.Empty{}, &emptypb.Empty{}, opts...), "OK")
		}
	}
}

func kvAction(w words, opts ...grpc.CallOption) action {
	return func(ctx context.Context, cc *grpc.ClientConn) string {
		kv := pb.NewKVClient(cc)
		switch w.Cmd {
		case "put":
			_, err := kv.Put(ctx, putRequest(w), append(opts, practiceOptions(w)...)...)
			return said(err, "OK")
		case "get":
			resp, err := kv.Range(ctx, &pb.RangeRequest{
				Key: []byte(w.at(0)), Serializable: w.has("serializable"), Revision: int64(w.namedNumber("rev")),
			}, opts...)
			return said(err, fmt.Sprintf("OK, %d found", resp.GetCount()))
		case "del":
			resp, err := kv.DeleteRange(ctx, &pb.DeleteRangeRequest{Key: []byte(w.at(0))}, opts...)
			return said(err, fmt.Sprintf("OK, %d deleted", resp.GetDeleted()))
		case "compact":
			_, err := kv.Compact(ctx, &pb.CompactionRequest{Revision: int64(w.number(0))}, opts...)
			return said(err, "OK")
		default:
			resp, err := kv.Txn(ctx, txnRequest(w), opts...)
			return said(err, fmt.Sprintf("OK, compared %v", resp.GetSucceeded()))
		}
	}
}

func leaseAction(w words, opts ...grpc.CallOption) action {
	return func(ctx context.Context, cc *grpc.ClientConn) string {
		leases := pb.NewLeaseClient(cc)
		if w.Cmd == "leases" {
			resp, err := leases.LeaseLeases(ctx, &pb.LeaseLeasesRequest{}, opts...)
			return said(err, fmt.Sprintf("OK, %d leases", len(resp.GetLeases())))
		}
		id := int64(w.number(0))
		switch w.Cmd {
		case "grant":
			_, err := leases.LeaseGrant(ctx, &pb.LeaseGrantRequest{ID: id, TTL: 3600}, opts...)
			return said(err, "OK")
		case "ttl":
			resp, err := leases.LeaseTimeToLive(ctx, &pb.LeaseTimeToLiveRequest{ID: id, Keys: true}, opts...)
			return said(err, fmt.Sprintf("OK, granted for %d seconds, %d keys", resp.GetGrantedTTL(), len(resp.GetKeys())))
		default:
			_, err := leases.LeaseRevoke(ctx, &pb.LeaseRevokeRequest{ID: id}, opts...)
			return said(err, "OK")
		}
	}
}

// putRequest reads: KEY [VALUE] [size=N] [lease=ID].
func putRequest(w words) *pb.PutRequest {
	value := strings.Repeat("v", w.namedNumber("size"))
	if value == "" {
		value = w.at(1)
	}
	return &pb.PutRequest{Key: []byte(w.at(0)), Value: []byte(value), Lease: int64(w.namedNumber("lease"))}
}

// txnRequest reads: [if=KEY] [put=KEY] [get=KEY] [else-put=KEY]; the comparison
// asks whether the key is there.
func txnRequest(w words) *pb.TxnRequest {
	r := &pb.TxnRequest{}
	if key := w.named("if", ""); key != "" {
		r.Compare = []*pb.Compare{{
			Key: []byte(key), Result: pb.Compare_GREATER, Target: pb.Compare_VERSION,
			TargetUnion: &pb.Compare_Version{Version: 0},
		}}
	}
	put := func(key string) *pb.RequestOp {
		return &pb.RequestOp{Request: &pb.RequestOp_RequestPut{RequestPut: &pb.PutRequest{Key: []byte(key), Value: []byte("v")}}}
	}
	if key := w.named("put", ""); key != "" {
		r.Success = append(r.Success, put(key))
	}
	if key := w.named("get", ""); key != "" {
		r.Success = append(r.Success, &pb.RequestOp{Request: &pb.RequestOp_RequestRange{RequestRange: &pb.RangeRequest{Key: []byte(key)}}})
	}
	if key := w.named("else-put", ""); key != "" {
		r.Failure = append(r.Failure, put(key))
	}
	return r
}
