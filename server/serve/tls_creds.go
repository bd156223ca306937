package serve

import (
	"context"
	"net"
	"time"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// GRPCConn is a connection as grpc-go's transport accepts it: below TLS.
type GRPCConn struct {
	net.Conn
	secure  bool
	pending *pending
}

// Secure reports whether it came to an https address, so that it begins with a
// TLS handshake, and what is read from it and written to it is encrypted.
func (c *GRPCConn) Secure() bool { return c.secure }

// NetConn returns the connection below.
func (c *GRPCConn) NetConn() net.Conn { return c.Conn }

// SetDeadline with no time is called by handleRawConn when its handshake is over.
func (c *GRPCConn) SetDeadline(t time.Time) error {
	if t.IsZero() {
		c.pending.end(c)
	}
	return c.Conn.SetDeadline(t)
}

// Close may be called before that.
func (c *GRPCConn) Close() error {
	c.pending.end(c)
	return c.Conn.Close()
}

// grpcListener is what grpc-go accepts connections from.
type grpcListener struct {
	net.Listener
	secure  bool
	pending *pending
}

// Accept returns a *GRPCConn, which is pending until its handshake is over.
func (l *grpcListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &GRPCConn{Conn: conn, secure: l.secure, pending: l.pending}
	if !l.pending.begin(c) {
		_ = c.Close() // grpc-go finds that out
	}
	return c, nil
}

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
