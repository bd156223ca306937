package seam_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"glasskv/server/seam"
	"glasskv/server/serve"
	"glasskv/trace"
	"glasskv/trace/record"

	"go.etcd.io/etcd/client/pkg/v3/types"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// A service of one's own: a name, a handler. protoc-gen-go-grpc writes the
// description for services that have a .proto file.
type greeter struct{}

func (greeter) greet(_ context.Context, name *wrapperspb.StringValue) (*wrapperspb.StringValue, error) {
	return wrapperspb.String("hello " + name.GetValue()), nil
}

var greeterDesc = grpc.ServiceDesc{
	ServiceName: "example.Greeter",
	HandlerType: (*any)(nil), // any implementation will do
	Methods: []grpc.MethodDesc{{
		MethodName: "Greet",
		Handler: func(srv any, ctx context.Context, decode func(any) error, chain grpc.UnaryServerInterceptor) (any, error) {
			name := new(wrapperspb.StringValue)
			if err := decode(name); err != nil {
				return nil, err
			}
			handler := func(ctx context.Context, req any) (any, error) {
				return srv.(greeter).greet(ctx, req.(*wrapperspb.StringValue))
			}
			info := &grpc.UnaryServerInfo{Server: srv, FullMethod: "/example.Greeter/Greet"}
			return chain(ctx, name, info, handler)
		},
	}},
}

// A service that the node knows nothing of is registered with ServiceRegister.
// Its requests are recorded as all others are: here is where one was.
func Example_serviceRegister() {
	ctx := context.Background()
	recorder := record.NewRecorder(record.Options{})
	defer recorder.Close(ctx)
	finished := make(chan *trace.Timeline, 1)
	recorder.Subscribe(func(rec *record.Record) { finished <- rec.Timeline() })
	observer, err := seam.New(recorder, seam.Options{})
	check(err)
	defer observer.Close()

	dir, err := os.MkdirTemp("", "example")
	check(err)
	defer func() { check(os.RemoveAll(dir)) }()
	cfg := serve.DefaultConfig("example", dir)
	cfg.ListenClientURLs = types.MustNewURLs([]string{"http://127.0.0.1:0"})
	cfg.ListenPeerURLs = types.MustNewURLs([]string{"http://127.0.0.1:0"})
	cfg.ServiceRegister = func(reg grpc.ServiceRegistrar) { reg.RegisterService(&greeterDesc, greeter{}) }
	node, err := serve.Start(ctx, cfg, observer.Seams())
	check(err)
	defer node.Stop(ctx)
	<-node.ReadyNotify()

	conn, err := grpc.NewClient(node.ClientAddrs()[0].String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	check(err)
	defer conn.Close()
	reply := new(wrapperspb.StringValue)
	check(conn.Invoke(ctx, "/example.Greeter/Greet", wrapperspb.String("Ann"), reply))
	fmt.Println(reply.GetValue())

	timeline := <-finished
	fmt.Println(timeline.Method, timeline.Code)
	for _, st := range timeline.Stages {
		if st.Parent == "grpc.processRPC" || st.Parent == "grpc.interceptors" {
			fmt.Println(st.Stage)
		}
	}
	// Output:
	// hello Ann
	// /example.Greeter/Greet OK
	// grpc.recvMsg
	// grpc.interceptors
	// grpc.handler
	// grpc.sendMsg
	// grpc.writeStatus
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
