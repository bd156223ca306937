package practice

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
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

// talk sends the messages, and returns the values that come back.
func talk[V any](ctx context.Context, t *testing.T, cc *grpc.ClientConn, method string, send ...proto.Message) (got []V) {
	t.Helper()
	replies, err := Talk(ctx, cc, method, false, send...)
	if err != nil {
		t.Fatal(err)
	}
	for _, reply := range replies {
		got = append(got, reply.(interface{ GetValue() V }).GetValue())
	}
	return got
}

func TestTheThreeKindsOfStream(t *testing.T) {
	_, cc, ctx := serve(t)
	if got := talk[int64](ctx, t, cc, Count, wrapperspb.Int64(3)); len(got) != 3 || got[2] != 3 {
		t.Errorf("counted %v", got)
	}
	if got := talk[int64](ctx, t, cc, Sum, wrapperspb.Int64(3), wrapperspb.Int64(4)); len(got) != 1 || got[0] != 7 {
		t.Errorf("added up to %v", got)
	}
	if got := talk[string](ctx, t, cc, Echo, wrapperspb.String("a"), wrapperspb.String("b")); len(got) != 2 || got[0] != "a" || got[1] != "b" {
		t.Errorf("echoed %v", got)
	}
	if streamDesc(Hold) != nil {
		t.Error("Hold is a stream")
	}
}

func TestInTurnsEachMessageIsAnsweredBeforeTheNext(t *testing.T) {
	_, cc, ctx := serve(t)
	replies, err := Talk(ctx, cc, Echo, true, wrapperspb.String("a"), wrapperspb.String("b"))
	if err != nil || len(replies) != 2 {
		t.Errorf("%v: %v", replies, err)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := Talk(ended, cc, Echo, true, wrapperspb.String("a")); status.Code(err) != codes.Canceled {
		t.Errorf("after the context ended: %v", err)
	}
}

func TestTheDoorFailsAndKeepsTheConnection(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &Door{Listener: l}
	d.Fail(2)
	client, err := new(net.Dialer).DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	for range 2 {
		var again interface{ Temporary() bool }
		if conn, err := d.Accept(); conn != nil || !errors.As(err, &again) || !again.Temporary() {
			t.Fatalf("accepted %v: %v", conn, err)
		}
	}
	conn, err := d.Accept()
	if err != nil || conn.RemoteAddr().String() != client.LocalAddr().String() {
		t.Fatalf("accepted %v: %v", conn, err)
	}
	if err := errors.Join(conn.Close(), l.Close()); err != nil {
		t.Error(err)
	}
	if _, err := d.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
}

func TestAStoppedServerDoesNotServeAgain(t *testing.T) {
	server := grpc.NewServer()
	server.Stop()
	if _, served, err := ServeAgain(t.Context(), server); !errors.Is(served, grpc.ErrServerStopped) || err != nil {
		t.Errorf("served %v: %v", served, err)
	}
	if _, _, err := ServeAgain(t.Context(), nil); err == nil {
		t.Error("nothing served")
	}
}
