package practice

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Talk plays one stream of the service: it sends the messages, closes its side and
// returns the replies. In turns, it waits for a reply to each message before it
// sends the next one, as only Echo allows. The error is that of the stream; nil if
// the stream ended with OK.
func Talk(ctx context.Context, cc grpc.ClientConnInterface, method string, inTurns bool, messages ...proto.Message) (replies []proto.Message, err error) {
	stream, err := cc.NewStream(ctx, streamDesc(method), method)
	if err != nil {
		return nil, err
	}
	receive := func() error {
		reply := newReply(method)
		err := stream.RecvMsg(reply)
		if err == nil {
			replies = append(replies, reply)
		}
		return err
	}
	for _, m := range messages {
		if err := stream.SendMsg(m); err != nil {
			return replies, err
		}
		if !inTurns {
			continue
		}
		if err := receive(); err != nil {
			return replies, err
		}
	}
	if err := stream.CloseSend(); err != nil {
		return replies, err
	}
	for err == nil {
		err = receive()
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return replies, err
}

func newReply(method string) proto.Message {
	if method == Echo {
		return new(wrapperspb.StringValue)
	}
	return new(wrapperspb.Int64Value)
}

// ServeAgain calls Serve, with a new listener on the loopback interface, on a gRPC
// server that has been stopped. It returns the listener's address, and what Serve
// returned. The registrar is the one that the server gave to its services.
func ServeAgain(ctx context.Context, registrar grpc.ServiceRegistrar) (addr string, served, err error) {
	server, ok := registrar.(interface{ Serve(net.Listener) error })
	if !ok {
		return "", nil, fmt.Errorf("a %T cannot serve", registrar)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	return l.Addr().String(), server.Serve(l), nil
}

// Handshake connects to addr, shakes hands over TLS and waits for one byte. It
// returns why the server refused the client; nil if the server sent a byte. With
// TLS 1.3 a client that lacks a certificate believes that the handshake succeeded,
// until its first read fails.
func Handshake(ctx context.Context, addr string, config *tls.Config) error {
	conn, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	_, err = conn.Read(make([]byte, 1))
	_ = conn.Close()
	return err
}

// CatchAll returns a server option that answers every call of an unregistered
// method with Unimplemented. The text of the status is the method and then text.
func CatchAll(text string) grpc.ServerOption {
	return grpc.UnknownServiceHandler(func(_ any, ss grpc.ServerStream) error {
		method, _ := grpc.Method(ss.Context())
		return status.Error(codes.Unimplemented, method+text)
	})
}

// Door is a listener whose Accept can be made to fail while a connection waits.
type Door struct {
	net.Listener
	failures atomic.Int64 // how many calls of Accept are still to fail
	waiting  net.Conn     // accepted, and not returned yet
}

// Fail lets Accept fail n times from the next connection on, as it does when the
// process has too many open files. It may be called by any goroutine.
func (d *Door) Fail(n int) { d.failures.Store(int64(n)) }

// Accept waits for a connection. While it is to fail it keeps the connection and
// returns a temporary error. It must be called by one goroutine.
func (d *Door) Accept() (net.Conn, error) {
	if d.waiting == nil {
		conn, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		d.waiting = conn
	}
	if d.failures.Load() > 0 {
		d.failures.Add(-1)
		return nil, tooManyFilesError{}
	}
	conn := d.waiting
	d.waiting = nil
	return conn, nil
}

// tooManyFilesError is the error of an Accept that may succeed later.
type tooManyFilesError struct{}

// Error returns what the operating system says.
func (tooManyFilesError) Error() string { return "accept: too many open files" }

// Temporary reports that Accept is worth another call.
func (tooManyFilesError) Temporary() bool { return true }
