package serve

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

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
