// Package servetest starts real nodes for tests. They listen on loopback ports that the system
// chooses, have a temporary directory, and are stopped when the test ends.
package servetest

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"go.etcd.io/etcd/client/pkg/v3/types"
	clientv3 "go.etcd.io/etcd/client/v3"

	"glasskv/server/serve"
)

// Timeout is the limit for each step in which a test waits for a node: becoming ready, a
// request, stopping. Each takes far less.
const Timeout = 30 * time.Second

// Node is a node under test.
type Node struct {
	*serve.Node
	// Conn is a client connection to the node, closed when the test ends.
	Conn *grpc.ClientConn
}

// Config returns the configuration of a single member with a directory of its own. A test may
// change it before Start, and may use it again to restart the node: the peer URL, on which
// the member's ID depends, is always the same.
func Config(t testing.TB) serve.Config {
	t.Helper()
	cfg := serve.DefaultConfig("test", t.TempDir())
	cfg.ListenClientURLs = types.MustNewURLs([]string{"http://127.0.0.1:0"})
	cfg.ListenPeerURLs = cfg.ListenClientURLs
	cfg.TickMs = 10
	return cfg
}

// Start starts a node and waits until it serves clients. If it does not, the test fails.
func Start(t testing.TB, cfg serve.Config, seams serve.Seams) *Node {
	t.Helper()
	ctx := Context(t)
	node, err := serve.Start(ctx, cfg, seams)
	if err != nil {
		t.Fatalf("start node: %v", err)
	}
	t.Cleanup(func() {
		// The test may have stopped it already, gracefully or not.
		ctx, cancel := context.WithTimeout(context.Background(), Timeout)
		defer cancel()
		_ = node.Stop(ctx)
	})
	select {
	case <-node.ReadyNotify():
	case err := <-node.Err():
		t.Fatalf("node failed before it was ready: %v", err)
	case <-ctx.Done():
		t.Fatal("node did not become ready")
	}
	return &Node{Node: node, Conn: dial(t, node, clientCreds(t, cfg))}
}

func dial(t testing.TB, node *serve.Node, creds credentials.TransportCredentials) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(endpoint(node), grpc.WithTransportCredentials(creds))
	if err != nil {
		t.Fatalf("connect to node: %v", err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// Endpoint returns the node's first client address, without a scheme.
func (n *Node) Endpoint() string { return endpoint(n.Node) }

func endpoint(n *serve.Node) string { return n.ClientAddrs()[0].String() }

// Client returns a client of etcd's own library, closed when the test ends.
func (n *Node) Client(t testing.TB) *clientv3.Client {
	t.Helper()
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{n.Endpoint()}})
	if err != nil {
		t.Fatalf("connect to node: %v", err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// Context returns a context that ends after Timeout, or with the test.
func Context(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Timeout)
	t.Cleanup(cancel)
	return ctx
}
