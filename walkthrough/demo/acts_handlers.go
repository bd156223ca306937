package demo

import (
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/net/http2/hpack"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"

	"glasskv/server/practice"
)

var handlerActs = map[string]act{
	"unary":               {setting{}, plainPut},
	"server-stream":       {setting{}, serverStream},
	"client-stream":       {setting{}, clientStream},
	"bidi-stream":         {setting{}, bidiStream},
	"interceptor-refuses": {setting{}, interceptorRefuses},
	"handler-panic":       {setting{quiet: true}, handlerPanic},
}

func serverStream(ctx context.Context, s *stage) (*outcome, error) {
	return s.talk(ctx, practice.Count, func() proto.Message { return new(wrapperspb.Int64Value) }, false, wrapperspb.Int64(3))
}

func clientStream(ctx context.Context, s *stage) (*outcome, error) {
	return s.talk(ctx, practice.Sum, func() proto.Message { return new(wrapperspb.Int64Value) }, false,
		wrapperspb.Int64(1), wrapperspb.Int64(2), wrapperspb.Int64(3))
}

func bidiStream(ctx context.Context, s *stage) (*outcome, error) {
	return s.talk(ctx, practice.Echo, func() proto.Message { return new(wrapperspb.StringValue) }, true,
		wrapperspb.String("one"), wrapperspb.String("two"), wrapperspb.String("three"))
}

// talk sends messages on a stream and takes what comes back; in turns, one is
// sent when the one before has been answered.
func (s *stage) talk(ctx context.Context, method string, reply func() proto.Message, turns bool, messages ...proto.Message) (*outcome, error) {
	if err := s.connect(ctx); err != nil {
		return nil, err
	}
	stream, err := s.client.NewStream(ctx, practice.StreamDesc(method), method)
	if err != nil {
		return nil, err
	}
	got := 0
	for _, m := range messages {
		if err := stream.SendMsg(m); err != nil {
			return nil, err
		}
		if turns {
			if err := stream.RecvMsg(reply()); err != nil {
				return nil, err
			}
			got++
		}
	}
	if err := stream.CloseSend(); err != nil {
		return nil, err
	}
	for {
		err := stream.RecvMsg(reply())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		got++
	}
	return s.show(ctx, fmt.Sprintf("OK: %d sent, %d received", len(messages), got), "the stream", of(method))
}

// interceptorRefuses sends a client version that is no text.
func interceptorRefuses(ctx context.Context, s *stage) (*outcome, error) {
	w, err := s.wire(ctx)
	if err != nil {
		return nil, err
	}
	id, err := w.call(pb.KV_Put_FullMethodName, &pb.PutRequest{Key: []byte(key)},
		hpack.HeaderField{Name: rpctypes.MetadataClientAPIVersionKey, Value: "3.7\xff"})
	if err != nil {
		return nil, err
	}
	reply, err := w.ended(id)
	if err != nil {
		return nil, err
	}
	return s.show(ctx, reply, "the request", ofStream(w, id))
}

// handlerPanic calls a handler that panics, and asks whether the server is still
// there.
func handlerPanic(ctx context.Context, s *stage) (*outcome, error) {
	o, err := s.call(ctx, s.invoke(practice.Panic, &emptypb.Empty{}, &emptypb.Empty{}))
	if err != nil {
		return nil, err
	}
	o.client += fmt.Sprintf(" (and the put after it: %s)", said(s.put(ctx)))
	return o, nil
}
