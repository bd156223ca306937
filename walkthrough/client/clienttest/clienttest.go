// Package clienttest starts real servers that record their requests, for tests of
// clients' timelines.
package clienttest

import (
	"context"
	"net"
	"testing"

	"glasskv/server/seam"
	"glasskv/server/serve"
	"glasskv/server/serve/servetest"
	"glasskv/trace/endpoint"
	"glasskv/trace/record"
)

// Server is a running server with a trace endpoint.
type Server struct {
	*servetest.Node
	TraceURL string
	// CloseTrace stops the trace endpoint before the test ends.
	CloseTrace func()
}

// Start starts a server with all seams and a trace endpoint. It is stopped when the
// test ends.
func Start(t testing.TB) *Server {
	t.Helper()
	return StartWith(t, func(*serve.Config) {})
}

// StartWith is Start with a configuration that change can modify first.
func StartWith(t testing.TB, change func(*serve.Config)) *Server {
	t.Helper()
	rec := record.NewRecorder(record.Options{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{TraceURL: "http://" + l.Addr().String()}
	stop := endpoint.Serve(l, rec)
	s.CloseTrace = func() { finish(t, "trace endpoint", stop) }
	observer, err := seam.New(rec, seam.Options{FrontOptions: seam.FrontOptions{TraceURL: s.TraceURL}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.CloseTrace()
		finish(t, "recorder", rec.Close)
	})
	cfg := servetest.Config(t)
	change(&cfg)
	s.Node = servetest.Start(t, cfg, observer.Seams())
	return s
}

func finish(t testing.TB, what string, stop func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), servetest.Timeout)
	defer cancel()
	if err := stop(ctx); err != nil {
		t.Errorf("close %s: %v", what, err)
	}
}
