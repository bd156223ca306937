package serve

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
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

// gatewayTarget returns where the gateway reaches this node, as grpc-go writes
// it, and with which credentials: the first address that speaks gRPC, in clear
// where that is offered. It stands for pickGRPCGatewayServeContext.
func (n *Node) gatewayTarget() (string, credentials.TransportCredentials) {
	sctx := n.clients[0] // ListenClientURLs come first, and all of them speak gRPC
	target := "passthrough:///" + sctx.l.Addr().String()
	if sctx.network == "unix" {
		target = "unix:" + sctx.addr
	}
	if sctx.insecure {
		return target, insecure.NewCredentials()
	}
	return target, credentials.NewTLS(n.ownTLS())
}

var errNotOurs = errors.New("the certificate is not this node's own")

// ownTLS is for a client that calls this node and no other. The certificate need
// not be valid for the address, nor come from anyone: it must be the very one
// that this node shows. etcd does not look at it at all.
func (n *Node) ownTLS() *tls.Config {
	cfg := n.tls.Clone()
	cfg.VerifyConnection = nil
	cfg.InsecureSkipVerify = true //nolint:gosec // VerifyPeerCertificate asks for more than the usual check does
	cfg.VerifyPeerCertificate = func(shown [][]byte, _ [][]*x509.Certificate) error {
		own, err := n.tls.GetCertificate(nil)
		if err != nil {
			return err
		}
		if len(shown) == 0 || len(own.Certificate) == 0 || !bytes.Equal(shown[0], own.Certificate[0]) {
			return errNotOurs
		}
		return nil
	}
	return cfg
}
