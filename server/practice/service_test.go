package practice

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

func serve(t *testing.T) (*Service, *grpc.ClientConn, context.Context) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, server := New(), grpc.NewServer()
	s.Register(server)
	go func() { _ = server.Serve(l) }() // Stop ends it
	t.Cleanup(server.Stop)
	cc, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cc.Close() })
	return s, cc, ctx
}

func TestARequestIsHeldUntilItIsReleased(t *testing.T) {
	s, cc, ctx := serve(t)
	over := make(chan error, 1)
	go func() { over <- cc.Invoke(ctx, Hold, &emptypb.Empty{}, &emptypb.Empty{}) }()
	if err := errors.Join(s.Arrived(ctx), s.Release(ctx), <-over); err != nil {
		t.Error(err)
	}
	brief, cancel := context.WithCancel(ctx)
	go func() { over <- cc.Invoke(brief, Hold, &emptypb.Empty{}, &emptypb.Empty{}) }()
	if err := s.Arrived(ctx); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-over; status.Code(err) != codes.Canceled {
		t.Errorf("a cancelled one: %v", err)
	}
}

func TestAPageHasTheSizeThatWasAskedFor(t *testing.T) {
	_, cc, ctx := serve(t)
	var page wrapperspb.StringValue
	if err := cc.Invoke(ctx, Page, wrapperspb.Int64(5), &page); err != nil || page.GetValue() != "xxxxx" {
		t.Errorf("%q, %v", page.GetValue(), err)
	}
	for _, size := range []int64{-1, maxPage + 1} {
		if err := cc.Invoke(ctx, Page, wrapperspb.Int64(size), &page); status.Code(err) != codes.InvalidArgument {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

// talk sends the messages, and returns those that come back.
func talk[T any, M interface {
	*T
	GetValue() V
}, V any](ctx context.Context, t *testing.T, cc *grpc.ClientConn, method string, send ...M) (got []V) {
	t.Helper()
	stream, err := cc.NewStream(ctx, StreamDesc(method), method)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range send {
		if err := stream.SendMsg(m); err != nil {
			t.Fatal(err)
		}
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	for {
		reply := M(new(T))
		err := stream.RecvMsg(reply)
		if errors.Is(err, io.EOF) {
			return got
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, reply.GetValue())
	}
}

func TestTheThreeKindsOfStream(t *testing.T) {
	_, cc, ctx := serve(t)
	if got := talk(ctx, t, cc, Count, wrapperspb.Int64(3)); len(got) != 3 || got[2] != 3 {
		t.Errorf("counted %v", got)
	}
	if got := talk(ctx, t, cc, Sum, wrapperspb.Int64(3), wrapperspb.Int64(4)); len(got) != 1 || got[0] != 7 {
		t.Errorf("added up to %v", got)
	}
	if got := talk(ctx, t, cc, Echo, wrapperspb.String("a"), wrapperspb.String("b")); len(got) != 2 || got[0] != "a" || got[1] != "b" {
		t.Errorf("echoed %v", got)
	}
	if StreamDesc(Hold) != nil {
		t.Error("Hold is a stream")
	}
}
