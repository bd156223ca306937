package demo

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"golang.org/x/net/http2"
	"google.golang.org/grpc"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	"glasskv/server/practice"
	"glasskv/server/serve"
	"glasskv/trace"
	"glasskv/walkthrough/client"
)

var connectionActs = map[string]act{
	"accept-backoff":     {setting{seams: throughDoor}, acceptBackoff},
	"serve-after-stop":   {setting{}, serveAfterStop},
	"connection-timeout": {setting{config: impatient}, connectionTimeout},
	"bogus-preface":      {setting{}, bogusPreface},
	"tls":                {setting{secured: true}, putOnNewConnection},
	"tls-refused":        {setting{mutual: true, cold: true, quiet: true}, tlsRefused},
	"serve-http":         {setting{secured: true, config: throughHTTP}, putOnNewConnection},
}

func throughDoor(s *stage, seams *serve.Seams) {
	inner := seams.Listener
	seams.Listener = func(l net.Listener) net.Listener {
		s.door.Listener = l
		return inner(s.door)
	}
}

// refusals is how often Accept fails: 5, 10 and 20 ms are waited.
const refusals = 3

// acceptBackoff lets a connection wait while Accept fails. The door is shut
// before the client knocks, and only the goroutine that accepts looks at it after
// that.
func acceptBackoff(ctx context.Context, s *stage) (*outcome, error) {
	s.door.Fail(refusals)
	return s.firstCall(ctx, s.put)
}

// throughHTTP has net/http serve gRPC over TLS, as etcd does.
func throughHTTP(cfg *serve.Config) { cfg.ServeTLSThroughHTTP = true }

// putOnNewConnection is a put that also shows how its connection was made.
func putOnNewConnection(ctx context.Context, s *stage) (*outcome, error) {
	return s.firstCall(ctx, s.put)
}

// serveAfterStop stops the node and asks its gRPC server to serve once more.
func serveAfterStop(ctx context.Context, s *stage) (*outcome, error) {
	if err := s.node.Stop(ctx); err != nil {
		return nil, err
	}
	addr, served, err := practice.ServeAgain(ctx, s.registrar)
	if err != nil {
		return nil, err
	}
	if !errors.Is(served, grpc.ErrServerStopped) {
		return nil, fmt.Errorf("serve after stop returned %s, where %w was expected", fmt.Sprint(served), grpc.ErrServerStopped)
	}
	c, err := client.Dial(client.Options{Endpoints: []string{addr}})
	if err != nil {
		return nil, err
	}
	o, sent := c.Do(ctx, func(ctx context.Context) error {
		_, err := pb.NewKVClient(c).Put(ctx, &pb.PutRequest{Key: []byte(key)})
		return err
	})
	if err := c.Close(); err != nil {
		return nil, err
	}
	text := fmt.Sprintf("Serve: %v. Then: %s", served, said(sent))
	return &outcome{text, []*trace.Timeline{o.Timeline()}}, nil
}

// patience is how long the server of connection-timeout waits for a handshake.
const patience = 400 * time.Millisecond

func impatient(cfg *serve.Config) { cfg.ConnectionTimeout = patience }

// connectionTimeout greets and then says nothing.
func connectionTimeout(ctx context.Context, s *stage) (*outcome, error) {
	return s.strange(ctx, http2.ClientPreface)
}

func bogusPreface(ctx context.Context, s *stage) (*outcome, error) {
	return s.strange(ctx, "HELO mail.example.org\r\n\r\nthis is no HTTP at all, and long enough to be sure\r\n")
}

// strange opens a connection, sends a greeting, and waits until it is hung up on.
func (s *stage) strange(ctx context.Context, greeting string) (*outcome, error) {
	w, err := dialWire(ctx, s.addr())
	if err != nil {
		return nil, err
	}
	s.undo(func(context.Context) error { return w.close() })
	begin := time.Now()
	if _, err := io.WriteString(w.conn, greeting); err != nil {
		return nil, err
	}
	_, _ = io.Copy(io.Discard, w.conn) // up to the end, however it ends
	after := time.Since(begin).Round(time.Millisecond)
	return s.show(ctx, fmt.Sprintf("the server hung up after %v", after), "the connection", ofConnection)
}

// tlsRefused shakes hands without a certificate of its own.
func tlsRefused(ctx context.Context, s *stage) (*outcome, error) {
	refusal := practice.Handshake(ctx, s.addr(), &tls.Config{
		InsecureSkipVerify: true, //nolint:gosec // whom it talks to is not what this is about
		NextProtos:         []string{http2.NextProtoTLS},
	})
	if refusal == nil {
		return nil, errors.New("the handshake was not refused")
	}
	return s.show(ctx, refusal.Error(), "the connection", ofConnection)
}
