package practice

import (
	"context"

	"google.golang.org/grpc"
)

// ServiceName is the service's name on the wire. Its messages are protobuf's
// well-known types, so that no code has to be generated.
const ServiceName = "glasskv.Practice"

// The methods, as a client calls them.
const (
	Hold  = "/" + ServiceName + "/Hold"  // Empty → Empty, when it is released
	Panic = "/" + ServiceName + "/Panic" // Empty → never
	Page  = "/" + ServiceName + "/Page"  // Int64Value → StringValue of that many bytes
	Count = "/" + ServiceName + "/Count" // Int64Value → stream of Int64Value
	Sum   = "/" + ServiceName + "/Sum"   // stream of Int64Value → Int64Value
	Echo  = "/" + ServiceName + "/Echo"  // stream of StringValue → stream of StringValue
)

// Register makes the service known to reg.
func (s *Service) Register(reg grpc.ServiceRegistrar) {
	reg.RegisterService(&grpc.ServiceDesc{
		ServiceName: ServiceName,
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

// StreamDesc returns the kind of stream that a method is, for clients; nil for a
// unary one.
func StreamDesc(method string) *grpc.StreamDesc {
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
