// Package practice is a gRPC service that does on demand what a key-value store has
// no reason to do: it panics, holds a request until it is released, sends a reply of
// any size, and has a method for each of the three kinds of stream. With it, every
// branch of grpc-go's server path can be played on a real node. A node serves it only
// if its user registers it through the node's hook for services.
//
//	service.go   the service: its methods, and their description for grpc-go
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

// maxPage is the largest reply of Page, in bytes.
const maxPage = 16 << 20

// Service implements the methods. It must be made by New and may be registered with
// one server.
type Service struct {
	arrived chan struct{}
	release chan struct{}
}

// New returns a Service.
func New() *Service {
	return &Service{arrived: make(chan struct{}), release: make(chan struct{})}
}

// Arrived waits until a request of Hold arrives. Each call reports a different request.
// If ctx ends first, Arrived returns its cause.
func (s *Service) Arrived(ctx context.Context) error {
	select {
	case <-s.arrived:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Release ends one request of Hold. It waits for a request that Arrived has reported,
// and returns ctx's cause if ctx ends first.
func (s *Service) Release(ctx context.Context) error {
	select {
	case s.release <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// hold keeps its request until Release is called, or until the request's context
// ends, as it does when the client or the connection has gone.
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

// panics is a handler that panics on purpose.
func (s *Service) panics(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	panic("this handler panics on purpose")
}

// page returns a reply of the requested size, in bytes. It returns InvalidArgument if
// the size is not between 0 and maxPage.
func (s *Service) page(_ context.Context, size *wrapperspb.Int64Value) (*wrapperspb.StringValue, error) {
	if size.GetValue() < 0 || size.GetValue() > maxPage {
		return nil, status.Errorf(codes.InvalidArgument, "practice: a page has 0 to %d bytes", maxPage)
	}
	return wrapperspb.String(strings.Repeat("x", int(size.GetValue()))), nil
}

// count sends the numbers from 1 to the one it receives.
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

// sum returns the sum of the numbers it receives.
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

// echo sends each message back.
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

// serviceName is the service's name on the wire. The messages are protobuf's
// well-known types: no code has to be generated for them.
const serviceName = "glasskv.Practice"

// The full names of the methods.
const (
	Hold  = "/" + serviceName + "/Hold"  // Empty → Empty, when Release is called
	Panic = "/" + serviceName + "/Panic" // Empty → never
	Page  = "/" + serviceName + "/Page"  // Int64Value → StringValue of that many bytes
	Count = "/" + serviceName + "/Count" // Int64Value → stream of Int64Value
	Sum   = "/" + serviceName + "/Sum"   // stream of Int64Value → Int64Value
	Echo  = "/" + serviceName + "/Echo"  // stream of StringValue → stream of StringValue
)

// Register registers the service with reg.
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

// unary returns a method handler like those of generated code: it decodes the request
// and calls handle through the interceptors, if there are any.
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
				return handle(ctx, request.(*Q)) //nolint:forcetypeassert // made above
			})
	}
}

// streamDesc returns the description with which a client opens a stream of a method,
// nil for a unary method.
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
