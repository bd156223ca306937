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

// gatewayMaxHeaderBytes is the limit for a reply's metadata, which the gateway passes on as
// HTTP headers.
const gatewayMaxHeaderBytes = 64 << 10

// gateway turns JSON requests into gRPC calls. The calls go to the node's own port, like
// those of any client, over a single connection, which the first call opens.
type gateway struct {
	conn    *grpc.ClientConn
	handler http.Handler
}

// newGateway returns the gateway. It is embed's registerGateway and grpcGatewayDial
// upstream.
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
			_ = conn.Close() // nothing was sent
			return nil, fmt.Errorf("gateway: %w", err)
		}
	}
	gw := &gateway{conn: conn, handler: mux}
	if n.seams.Gateway != nil {
		gw.handler = n.seams.Gateway(gw.handler)
	}
	return gw, nil
}

// gatewayMarshaler returns a marshaler that writes JSON as etcd does: with the field names
// of the .proto files, and without fields that have their default value.
func gatewayMarshaler() runtime.Marshaler {
	return &runtime.HTTPBodyMarshaler{
		Marshaler: &runtime.JSONPb{
			MarshalOptions:   protojson.MarshalOptions{UseProtoNames: true},
			UnmarshalOptions: protojson.UnmarshalOptions{DiscardUnknown: true},
		},
	}
}

// dialGateway returns the connection, which is not opened yet.
func (n *Node) dialGateway() (*grpc.ClientConn, error) {
	target, creds := n.gatewayTarget()
	opts := []grpc.DialOption{grpc.WithTransportCredentials(creds)}
	if n.seams.GatewayDial != nil {
		opts = n.seams.GatewayDial(creds)
	}
	// The longest wait between two attempts is short: after a node could not accept for
	// a while, its gateway should work again soon, and no other machine is loaded by it.
	retry := backoff.DefaultConfig
	retry.MaxDelay = time.Second
	return grpc.NewClient(target, append(opts,
		grpc.WithNoProxy(),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: retry}),
		grpc.WithMaxHeaderListSize(gatewayMaxHeaderBytes),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(math.MaxInt32)),
	)...)
}

// gatewayTarget returns the address at which the gateway reaches this node, in grpc-go's
// form, and the credentials for it: the first address that serves gRPC, in plaintext if
// the address serves that. It is pickGRPCGatewayServeContext upstream.
func (n *Node) gatewayTarget() (string, credentials.TransportCredentials) {
	sctx := n.clients[0] // ListenClientURLs come first, and all of them serve gRPC
	target := "passthrough:///" + sctx.l.Addr().String()
	if sctx.network == "unix" {
		target = "unix:" + sctx.addr
	}
	if sctx.insecure {
		return target, insecure.NewCredentials()
	}
	return target, credentials.NewTLS(n.gatewayTLS())
}

var errNotOurs = errors.New("the certificate is not this node's own")

// gatewayTLS returns the TLS configuration for a client that calls only this node. It
// accepts exactly the certificate that this node shows, whatever that is valid for. etcd
// does not verify the certificate.
func (n *Node) gatewayTLS() *tls.Config {
	cfg := n.tls.Clone()
	cfg.VerifyConnection = nil
	cfg.InsecureSkipVerify = true //nolint:gosec // VerifyPeerCertificate is stricter than the usual check
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
