package demo

import (
	"bytes"
	"context"
	"time"

	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/protobuf/types/known/wrapperspb"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	"glasskv/server/practice"
)

var limitActs = map[string]act{
	"compression":       {setting{}, compression},
	"message-too-large": {setting{}, messageTooLarge},
	"client-send-limit": {setting{}, clientSendLimit},
	"flow-control":      {setting{}, flowControl},
}

// large is a put of n bytes that compress well.
func (s *stage) large(n int, opts ...grpc.CallOption) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := s.kv().Put(ctx, &pb.PutRequest{Key: []byte(key), Value: bytes.Repeat([]byte("glass "), n/6)}, opts...)
		return err
	}
}

func compression(ctx context.Context, s *stage) (*outcome, error) {
	return s.call(ctx, s.large(256<<10, grpc.UseCompressor(gzip.Name)))
}

func messageTooLarge(ctx context.Context, s *stage) (*outcome, error) {
	return s.call(ctx, s.large(3<<20))
}

func clientSendLimit(ctx context.Context, s *stage) (*outcome, error) {
	return s.call(ctx, s.large(3<<20, grpc.MaxCallSendMsgSize(2<<20)))
}

// What the client of flow-control asks for and allows at a time, in bytes, and
// how long it lets the server wait.
const (
	pageSize  = 40 << 10
	window    = 16 << 10
	holdsBack = 30 * time.Millisecond
)

// flowControl asks for more than it lets the server send at once.
func flowControl(ctx context.Context, s *stage) (*outcome, error) {
	w, err := s.wire(ctx, http2.Setting{ID: http2.SettingInitialWindowSize, Val: window})
	if err != nil {
		return nil, err
	}
	id, err := w.call(practice.Page, wrapperspb.Int64(pageSize))
	if err != nil {
		return nil, err
	}
	for range pageSize / window {
		if err := w.take(window); err != nil {
			return nil, err
		}
		if err := pause(ctx, holdsBack); err != nil {
			return nil, err
		}
		if err := w.framer.WriteWindowUpdate(id, window); err != nil {
			return nil, err
		}
	}
	reply, err := w.ended(id)
	if err != nil {
		return nil, err
	}
	return s.show(ctx, reply, "the page", ofStream(w, id))
}

// take reads DATA of so many bytes.
func (w *wire) take(bytes uint32) error {
	_, err := w.until(func(f http2.Frame) bool {
		if f.Header().Type == http2.FrameData {
			bytes -= min(bytes, f.Header().Length)
		}
		return bytes == 0
	})
	return err
}
