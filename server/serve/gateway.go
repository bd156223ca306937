package serve

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/protobuf/encoding/protojson"

	etcdservergw "go.etcd.io/etcd/api/v3/etcdserverpb/gw"
	v3electiongw "go.etcd.io/etcd/server/v3/etcdserver/api/v3election/v3electionpb/gw"
	v3lockgw "go.etcd.io/etcd/server/v3/etcdserver/api/v3lock/v3lockpb/gw"
)

// gatewayMaxHeaderBytes bounds the metadata of a reply that the gateway passes on
// as HTTP headers.
const gatewayMaxHeaderBytes = 64 << 10

// gateway makes gRPC calls of JSON. The calls go through the node's own port like
// those of any client, over one connection that is made with the first of them.
type gateway struct {
	conn    *grpc.ClientConn
	handler http.Handler
}

// newGateway stands for embed's registerGateway and grpcGatewayDial.
func (n *Node) newGateway() (*gateway, error) {
	conn, err := n.dialGateway()
	if err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	mux := runtime.NewServeMux(runtime.WithMarshalerOption(runtime.MIMEWildcard, gatewayMarshaler()))
	for _, register := range []func(context.Context, *runtime.ServeMux, *grpc.ClientConn) error{
		etcdservergw.RegisterKVHandler,
		etcdservergw.RegisterWatchHandler,
		etcdservergw.RegisterLeaseHandler,
		etcdservergw.RegisterClusterHandler,
		etcdservergw.RegisterMaintenanceHandler,
		etcdservergw.RegisterAuthHandler,
		v3lockgw.RegisterLockHandler,
		v3electiongw.RegisterElectionHandler,
	} {
		if err := register(n.stopping, mux, conn); err != nil {
			_ = conn.Close() // it has not been used
			return nil, fmt.Errorf("gateway: %w", err)
		}
	}
	gw := &gateway{conn: conn, handler: mux}
	if n.seams.Gateway != nil {
		gw.handler = n.seams.Gateway(gw.handler)
	}
	return gw, nil
}

// gatewayMarshaler writes JSON as etcd does: the names of the fields as they are
// in the .proto files, and fields at their default left out.
func gatewayMarshaler() runtime.Marshaler {
	return &runtime.HTTPBodyMarshaler{
		Marshaler: &runtime.JSONPb{
			MarshalOptions:   protojson.MarshalOptions{UseProtoNames: true},
			UnmarshalOptions: protojson.UnmarshalOptions{DiscardUnknown: true},
		},
	}
}

// dialGateway prepares the connection and does not make it yet.
func (n *Node) dialGateway() (*grpc.ClientConn, error) {
	target, creds := n.gatewayTarget()
	opts := []grpc.DialOption{grpc.WithTransportCredentials(creds)}
	if n.seams.GatewayDial != nil {
		opts = n.seams.GatewayDial(creds)
	}
	// A node that could not accept for a while is called again soon: it is not
	// somebody else's load that would be spared.
	retry := backoff.DefaultConfig
	retry.MaxDelay = time.Second
	return grpc.NewClient(target, append(opts,
		grpc.WithNoProxy(),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: retry}),
		grpc.WithMaxHeaderListSize(gatewayMaxHeaderBytes),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(math.MaxInt32)),
	)...)
}
