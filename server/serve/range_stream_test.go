package serve_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	"glasskv/server/serve"
	"glasskv/server/serve/servetest"
)

// readAll takes all chunks of a range.
func readAll(t *testing.T, kv pb.KVClient, r *pb.RangeRequest) (keys []string, chunks []*pb.RangeResponse, err error) {
	t.Helper()
	stream, err := kv.RangeStream(servetest.Context(t), r)
	if err != nil {
		t.Fatal(err)
	}
	for {
		resp, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return keys, chunks, nil
		}
		if err != nil {
			return keys, chunks, err
		}
		chunks = append(chunks, resp.RangeResponse)
		for _, kv := range resp.RangeResponse.Kvs {
			keys = append(keys, string(kv.Key))
		}
	}
}

// A large range comes in chunks, in the order of its keys, and only the last of
// them has the header.
func TestRangeStream(t *testing.T) {
	cfg := servetest.Config(t)
	cfg.MaxRequestBytes = 16 * 1024
	node := servetest.Start(t, cfg, serve.Seams{})
	client, ctx := node.Client(t), servetest.Context(t)
	const n = 200
	var last int64
	for i := range n {
		last = mustPut(ctx, t, client, fmt.Sprintf("k%03d", i), strings.Repeat("v", 1024))
	}
	kv := pb.NewKVClient(node.Conn)
	all := &pb.RangeRequest{Key: []byte("k"), RangeEnd: []byte("l")}
	keys, chunks, err := readAll(t, kv, all)
	if err != nil || len(keys) != n || keys[0] != "k000" || keys[n-1] != fmt.Sprintf("k%03d", n-1) {
		t.Fatalf("read %d keys, %v", len(keys), err)
	}
	for i, chunk := range chunks {
		if isLast := i == len(chunks)-1; (chunk.Header != nil) != isLast {
			t.Errorf("chunk %d of %d has header %v", i, len(chunks), chunk.Header)
		}
	}
	if end := chunks[len(chunks)-1]; len(chunks) < 10 || end.Count != n || end.More || end.Header.Revision != last || end.Header.MemberId == 0 {
		t.Errorf("%d chunks, the last: %d counted, more %v, header %v", len(chunks), end.Count, end.More, end.Header)
	}

	all.Limit = 15
	keys, chunks, err = readAll(t, kv, all)
	if end := chunks[len(chunks)-1]; err != nil || len(keys) != 15 || end.Count != n || !end.More {
		t.Errorf("with a limit: %d keys, %d counted, more %v, %v", len(keys), end.Count, end.More, err)
	}
	all.Limit, all.CountOnly = 0, true
	if keys, chunks, err = readAll(t, kv, all); err != nil || len(keys) != 0 || chunks[0].Count != n {
		t.Errorf("count only: %d keys, %v, %v", len(keys), chunks, err)
	}
}

// What needs the whole range first is refused as etcd refuses it.
func TestRangeStreamRefusals(t *testing.T) {
	node := servetest.Start(t, servetest.Config(t), serve.Seams{})
	for name, tc := range map[string]struct {
		request *pb.RangeRequest
		code    codes.Code
		message string
	}{
		"no key": {&pb.RangeRequest{}, codes.InvalidArgument, "etcdserver: key is not provided"},
		"sorted": {
			&pb.RangeRequest{Key: []byte("k"), SortTarget: pb.RangeRequest_VALUE, SortOrder: pb.RangeRequest_ASCEND},
			codes.Unimplemented, "RangeStream does not support custom sort orders",
		},
		"filtered": {
			&pb.RangeRequest{Key: []byte("k"), MinModRevision: 1},
			codes.Unimplemented, "RangeStream does not support revision filters",
		},
		"of the future": {
			&pb.RangeRequest{Key: []byte("k"), Revision: 99},
			codes.OutOfRange, "etcdserver: mvcc: required revision is a future revision",
		},
	} {
		_, _, err := readAll(t, pb.NewKVClient(node.Conn), tc.request)
		if st := status.Convert(err); st.Code() != tc.code || st.Message() != tc.message {
			t.Errorf("%s: %v, want %s %q", name, err, tc.code, tc.message)
		}
	}
}
