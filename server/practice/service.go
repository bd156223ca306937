// Package practice is a gRPC service that does on demand what a key-value store
// has no reason to do: it panics, holds a request until it is let go, sends a
// reply of any size, and speaks in each of the three kinds of stream. With it
// every branch of grpc-go's server path can be played on a real node. No node
// serves it unless it is registered through the node's own hook for services.
//
//	service.go   the service: what its methods do, and how grpc-go is told of them
//	play.go      what demo and stories do to a node when they play a branch
package practice

import (
	"context"
	"errors"
	"io"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// maxPage bounds what Page returns, in bytes.
const maxPage = 16 << 20

// Service is the service. Make it with New; one may be registered with one
// server.
type Service struct {
	arrived chan struct{}
	release chan struct{}
}

// New returns a service.
func New() *Service {
	return &Service{arrived: make(chan struct{}), release: make(chan struct{})}
}

// Arrived waits until a request is being held, or ctx ends.
func (s *Service) Arrived(ctx context.Context) error {
	select {
	case <-s.arrived:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Release lets one held request go. It waits for one to be held, or until ctx
// ends.
func (s *Service) Release(ctx context.Context) error {
	select {
	case s.release <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// hold keeps its request until Release, or until the request's own context ends.
// That of a request whose client or connection is gone does.
func (s *Service) hold(ctx context.Context, _ *emptypb.Empty) (*emptypb.Empty, error) {
	select {
	case s.arrived <- struct{}{}:
	case <-ctx.Done():
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	select {
	case <-s.release:
		return &emptypb.Empty{}, nil
	case <-ctx.Done():
		return nil, status.FromContextError(ctx.Err()).Err()
	}
}

// panics does what its name says.
func (s *Service) panics(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	panic("this handler panics on purpose")
}

// page returns as many bytes as it is asked for.
func (s *Service) page(_ context.Context, size *wrapperspb.Int64Value) (*wrapperspb.StringValue, error) {
	if size.GetValue() < 0 || size.GetValue() > maxPage {
		return nil, status.Errorf(codes.InvalidArgument, "practice: a page has 0 to %d bytes", maxPage)
	}
	return wrapperspb.String(strings.Repeat("x", int(size.GetValue()))), nil
}

// count sends the numbers up to the one that it is given.
func (s *Service) count(_ any, ss grpc.ServerStream) error {
	var upTo wrapperspb.Int64Value
	if err := ss.RecvMsg(&upTo); err != nil {
		return err
	}
	for i := range upTo.GetValue() {
		if err := ss.SendMsg(wrapperspb.Int64(i + 1)); err != nil {
			return err
		}
	}
	return nil
}

// sum adds up the numbers that its client sends.
func (s *Service) sum(_ any, ss grpc.ServerStream) error {
	var total int64
	for {
		var n wrapperspb.Int64Value
		err := ss.RecvMsg(&n)
		if errors.Is(err, io.EOF) {
			return ss.SendMsg(wrapperspb.Int64(total))
		}
		if err != nil {
			return err
		}
		total += n.GetValue()
	}
}

// echo answers each message with the same.
func (s *Service) echo(_ any, ss grpc.ServerStream) error {
	for {
		var said wrapperspb.StringValue
		err := ss.RecvMsg(&said)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := ss.SendMsg(&said); err != nil {
			return err
		}
	}
}

// serviceName is the service's name on the wire. Its messages are protobuf's
// well-known types, so that no code has to be generated.
const serviceName = "glasskv.Practice"

// The methods, as a client calls them.
const (
	Hold  = "/" + serviceName + "/Hold"  // Empty → Empty, when it is released
	Panic = "/" + serviceName + "/Panic" // Empty → never
	Page  = "/" + serviceName + "/Page"  // Int64Value → StringValue of that many bytes
	Count = "/" + serviceName + "/Count" // Int64Value → stream of Int64Value
	Sum   = "/" + serviceName + "/Sum"   // stream of Int64Value → Int64Value
	Echo  = "/" + serviceName + "/Echo"  // stream of StringValue → stream of StringValue
)

// Register makes the service known to reg.
func (s *Service) Register(reg grpc.ServiceRegistrar) {
	reg.RegisterService(&grpc.ServiceDesc{
		ServiceName: serviceName,
		HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{
			{MethodName: "Hold", Handler: unary(Hold, s.hold)},
			{MethodName: "Panic", Handler: unary(Panic, s.panics)},
			{MethodName: "Page", Handler: unary(Page, s.page)},
		},
		Streams: []grpc.StreamDesc{
			{StreamName: "Count", Handler: s.count, ServerStreams: true},
			{StreamName: "Sum", Handler: s.sum, ClientStreams: true},
			{StreamName: "Echo", Handler: s.echo, ClientStreams: true, ServerStreams: true},
		},
	}, s)
}

// unary does for a method what generated code does: it makes the message, has it
// decoded, and passes the interceptors.
func unary[Q, R any](method string, handle func(context.Context, *Q) (*R, error)) grpc.MethodHandler {
	return func(srv any, ctx context.Context, decode func(any) error, chain grpc.UnaryServerInterceptor) (any, error) {
		request := new(Q)
		if err := decode(request); err != nil {
			return nil, err
		}
		if chain == nil {
			return handle(ctx, request)
		}
		return chain(ctx, request, &grpc.UnaryServerInfo{Server: srv, FullMethod: method},
			func(ctx context.Context, request any) (any, error) {
				return handle(ctx, request.(*Q)) //nolint:forcetypeassert // it was made above
			})
	}
}

// streamDesc returns the kind of stream that a method is, for clients; nil for a
// unary one.
func streamDesc(method string) *grpc.StreamDesc {
	switch method {
	case Count:
		return &grpc.StreamDesc{ServerStreams: true}
	case Sum:
		return &grpc.StreamDesc{ClientStreams: true}
	case Echo:
		return &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}
	}
	return nil
}
