package serve_test

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"go.etcd.io/etcd/client/pkg/v3/types"

	"glasskv/server/serve"
	"glasskv/server/serve/servetest"
)

// With addresses of its own for HTTP, the others speak gRPC alone.
func TestHTTPHasAnAddressOfItsOwn(t *testing.T) {
	for _, scheme := range []string{"http", "https"} {
		ca, cfg := servetest.NewAuthority(t), servetest.Config(t)
		ca.Secure(&cfg)
		cfg.ListenClientURLs = types.MustNewURLs([]string{scheme + "://127.0.0.1:0"})
		cfg.ListenClientHTTPURLs = types.MustNewURLs([]string{scheme + "://localhost:0"})
		node := servetest.Start(t, cfg, serve.Seams{})
		creds := insecure.NewCredentials()
		if scheme == "https" {
			creds = credentials.NewTLS(ca.Client(""))
		}
		client := browser(t, ca.Client(""), false)
		grpcAddr, httpAddr := node.ClientAddrs()[0].String(), node.ClientHTTPAddrs()[0].String()
		if err := put(t, grpcAddr, creds); err != nil {
			t.Errorf("%s: put: %v", scheme, err)
		}
		// The gateway still finds its way to the other address.
		resp, err := client.Post(scheme+"://"+httpAddr+"/v3/kv/put", "application/json", strings.NewReader(`{"key":"Zm9v","value":"YmFy"}`))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s: gateway: %s", scheme, resp.Status)
		}
		if _, _, err := page(t, client, scheme+"://"+grpcAddr+"/health"); err == nil {
			t.Errorf("%s: the address for gRPC serves pages", scheme)
		}
	}
}

func TestAnAddressCannotBeForBoth(t *testing.T) {
	cfg := servetest.Config(t)
	cfg.ListenClientHTTPURLs = cfg.ListenClientURLs
	var le *serve.ListenError
	if _, err := serve.Start(t.Context(), cfg, serve.Seams{}); !errors.As(err, &le) {
		t.Errorf("start: %v", err)
	}
}

func TestAUnixSocket(t *testing.T) {
	cfg := servetest.Config(t)
	socket := filepath.Join(t.TempDir(), "etcd.sock")
	urls, err := types.NewURLs([]string{"unix://" + socket})
	if err != nil {
		t.Fatal(err)
	}
	cfg.ListenClientURLs = urls
	for range 2 { // the file of the first run is not in the way of the second
		node := servetest.Start(t, cfg, serve.Seams{})
		if err := put(t, "unix://"+socket, insecure.NewCredentials()); err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), servetest.Timeout)
		if err := node.Stop(ctx); err != nil {
			t.Error(err)
		}
		cancel()
	}
}
