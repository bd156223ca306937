// Command otlpsink receives traces over OTLP and counts them. It reads no more
// of a span than that it is one, so that the machine's processors are left to
// the server whose exporting is measured; a real receiver would be elsewhere.
//
// OTLP over HTTP and over gRPC are served on one address each. GET /count on the
// HTTP address answers with what was received so far, as JSON.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"glasskv/scripts/peers/internal/peer"
)

var (
	listenHTTP = flag.String("listen", "127.0.0.1:4318", "address for OTLP over HTTP")
	listenGRPC = flag.String("listen-grpc", "127.0.0.1:0", "address for OTLP over gRPC")
)

func main() {
	flag.Parse()
	os.Exit(peer.Main(run))
}

// sink counts what arrives.
type sink struct{ requests, spans, refused atomic.Int64 }

// take counts the spans of one export request.
func (s *sink) take(body []byte) error {
	n, err := countSpans(body)
	if err != nil {
		s.refused.Add(1)
		return err
	}
	s.requests.Add(1)
	s.spans.Add(int64(n))
	return nil
}

func run(ctx context.Context) error {
	var lc net.ListenConfig
	web, err := lc.Listen(ctx, "tcp", *listenHTTP)
	if err != nil {
		return err
	}
	rpc, err := lc.Listen(ctx, "tcp", *listenGRPC)
	if err != nil {
		return errors.Join(err, web.Close())
	}
	s := new(sink)
	httpServer := &http.Server{Handler: s.handler(), ReadHeaderTimeout: 5 * time.Second}
	grpcServer := s.grpcServer()
	failed := make(chan error, 2)
	go func() { failed <- httpServer.Serve(web) }()
	go func() { failed <- grpcServer.Serve(rpc) }()
	peer.Ready(fmt.Sprintf("http://%s grpc://%s", web.Addr(), rpc.Addr()))
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	grpcServer.Stop()
	return errors.Join(err, httpServer.Close(), s.report())
}

// report prints the last word when the program is stopped.
func (s *sink) report() error {
	return json.NewEncoder(os.Stdout).Encode(s.counts())
}

// Counts is what was received so far.
type Counts struct {
	Requests int64 `json:"requests"` // export requests
	Spans    int64 `json:"spans"`
	Refused  int64 `json:"refused"` // export requests that were no OTLP
}

func (s *sink) counts() Counts {
	return Counts{Requests: s.requests.Load(), Spans: s.spans.Load(), Refused: s.refused.Load()}
}

func (s *sink) grpcServer() *grpc.Server {
	return grpc.NewServer(grpc.ForceServerCodecV2(rawCodec{}), grpc.UnknownServiceHandler(s.export),
		grpc.MaxRecvMsgSize(64<<20))
}
