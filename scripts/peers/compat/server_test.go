package compat

import (
	"context"
	"os"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"glasskv/scripts/peers/internal/twin"
)

func TestMain(m *testing.M) { os.Exit(twin.RunTests(m)) }

// running is a server on a member's data, with a client.
type running struct {
	*twin.Process
	*clientv3.Client
}

func start(t *testing.T, m *twin.Member, server string) *running {
	t.Helper()
	process := m.Start(t, server)
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{m.Client}, DialTimeout: twin.Patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return &running{process, client}
}

// within bounds one request, or a few.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), twin.Patience)
	t.Cleanup(cancel)
	return ctx
}
