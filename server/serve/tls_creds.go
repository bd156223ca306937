package serve

import (
	"context"
	"net"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// addressCreds are the credentials of a gRPC server that serves http and https
// addresses alike: what a connection needs is decided by the address that it came
// to. etcd has a server of its own for each instead.
type addressCreds struct {
	secure credentials.TransportCredentials // nil when no address is https
}

// ServerHandshake goes through a TLS handshake with those that came to an https
// address, and lets the others pass.
func (c addressCreds) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	if g, ok := conn.(*GRPCConn); ok && g.secure {
		return c.secure.ServerHandshake(conn)
	}
	return insecure.NewCredentials().ServerHandshake(conn)
}

// ClientHandshake is not for servers.
func (c addressCreds) ClientHandshake(ctx context.Context, authority string, conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return insecure.NewCredentials().ClientHandshake(ctx, authority, conn)
}

// Info describes the stronger of the two.
func (c addressCreds) Info() credentials.ProtocolInfo {
	if c.secure == nil {
		return insecure.NewCredentials().Info()
	}
	return c.secure.Info()
}

// Clone returns a copy.
func (c addressCreds) Clone() credentials.TransportCredentials { return c }

// OverrideServerName is for clients, and does nothing.
func (addressCreds) OverrideServerName(string) error { return nil }

// creds returns the credentials of the gRPC server.
func (n *Node) creds() credentials.TransportCredentials {
	var creds addressCreds
	if n.tls != nil {
		creds.secure = credentials.NewTLS(n.tls)
	}
	if n.seams.Creds != nil {
		return n.seams.Creds(creds)
	}
	return creds
}
