package serve_test

import (
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/credentials"

	"go.etcd.io/etcd/client/pkg/v3/types"

	"glasskv/server/serve"
	"glasskv/server/serve/servetest"
)

// A node that was stopped leaves no goroutine behind, whatever its clients were
// doing.
func TestStopLeavesNothingBehind(t *testing.T) {
	ca := servetest.NewAuthority(t)
	clients, silent := ca.Client(""), make([]net.Conn, 3)
	before := ownGoroutines()
	for range 2 {
		cfg := servetest.Config(t)
		ca.Secure(&cfg)
		cfg.ListenClientURLs = append(cfg.ListenClientURLs, types.MustNewURLs([]string{"http://localhost:0"})...)
		node, err := serve.Start(servetest.Context(t), cfg, serve.Seams{})
		if err != nil {
			t.Fatal(err)
		}
		<-node.ReadyNotify()
		for i := range silent {
			silent[i] = dial(t, node.ClientAddrs()[i%2].String())
		}
		if err := put(t, node.ClientAddrs()[0].String(), credentials.NewTLS(clients)); err != nil {
			t.Error(err)
		}
		web := browser(t, clients, true)
		if _, _, err := page(t, web, "https://"+node.ClientAddrs()[0].String()+"/health"); err != nil {
			t.Error(err)
		}
		if err := node.Stop(servetest.Context(t)); err != nil {
			t.Error(err)
		}
		web.CloseIdleConnections()
	}
	tick := time.NewTicker(10 * time.Millisecond) // nothing tells when a goroutine is gone
	defer tick.Stop()
	for ctx := servetest.Context(t); ; {
		after := ownGoroutines()
		if len(after) <= len(before) {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%d goroutines before, %d after:\n%s", len(before), len(after), strings.Join(after, "\n\n"))
		}
	}
}

// ownGoroutines returns the stacks of those goroutines that run code of ours, of
// grpc-go's, of cmux's or of net/http's.
func ownGoroutines() (stacks []string) {
	buf := make([]byte, 4<<20)
	for _, stack := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		for _, whose := range []string{"glasskv/server/", "google.golang.org/grpc", "soheilhy/cmux", "net/http.", "etcd/client/pkg"} {
			if strings.Contains(stack, whose) {
				stacks = append(stacks, stack)
				break
			}
		}
	}
	return stacks
}
