package client

import (
	"context"
	"net"

	"google.golang.org/grpc/credentials"
)

// clientCreds puts a clientConn around each connection once it is secured. That
// is the one place where HTTP/2 passes in clear whatever the credentials are,
// and it lies behind the one where grpc-go sets its options on the socket.
type clientCreds struct {
	credentials.TransportCredentials
	o *Observer
}

// ClientHandshake is called once per connection, by grpc-go.
func (c *clientCreds) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := c.TransportCredentials.ClientHandshake(ctx, authority, raw)
	if err != nil {
		return nil, nil, err
	}
	return newClientConn(conn, c.o), info, nil
}

// Clone keeps the wrapper where grpc-go copies the credentials.
func (c *clientCreds) Clone() credentials.TransportCredentials {
	return &clientCreds{c.TransportCredentials.Clone(), c.o}
}
