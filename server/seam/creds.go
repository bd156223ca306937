package seam

import (
	"crypto/tls"
	"fmt"
	"net"

	"glasskv/trace"

	"google.golang.org/grpc/credentials"
)

// handshaker observes the credentials' handshake, which is the first thing that
// newHTTP2Transport does. What the handshake returns is what the transport reads
// and writes, so the frames are seen in clear under TLS as well.
type handshaker struct {
	credentials.TransportCredentials
	o *Observer
}

// ServerHandshake returns the connection of the wrapped credentials, wrapped.
// The credentials themselves are given the connection that the listener
// accepted, so that what they look for in it they find.
func (h handshaker) ServerHandshake(accepted net.Conn) (net.Conn, credentials.AuthInfo, error) {
	raw, ok := accepted.(*rawConn)
	if !ok {
		return h.TransportCredentials.ServerHandshake(accepted)
	}
	called := trace.Now()
	conn, info, err := h.TransportCredentials.ServerHandshake(raw.Conn)
	// The transport's own work begins before it comes to the credentials; only a
	// handshake is a stage apart.
	begin, _ := raw.trace.Stamps(trace.HandleRawConn)
	if secured, ok := info.(credentials.TLSInfo); ok {
		raw.trace.Protocol = tls.VersionName(secured.State.Version)
		raw.trace.BeginAt(trace.TLSHandshake, called)
		begin = trace.Now()
		raw.trace.EndAt(trace.TLSHandshake, begin)
	}
	raw.trace.BeginAt(trace.NewHTTP2Transport, begin)
	if err != nil {
		raw.fail(fmt.Sprintf("handshake: %v", err))
		return nil, nil, err
	}
	if err := setUserTimeout(raw.Conn, h.o.opts.KeepaliveTimeout); err != nil {
		return nil, nil, fmt.Errorf("set TCP_USER_TIMEOUT: %w", err)
	}
	raw.served = newServerConn(h.o, conn, raw.trace)
	return raw.served, info, nil
}

// Clone returns a copy that observes as well.
func (h handshaker) Clone() credentials.TransportCredentials {
	return handshaker{h.TransportCredentials.Clone(), h.o}
}
