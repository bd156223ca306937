// Command otlpsink receives traces over OTLP and counts their spans. It does not decode
// the spans, so that the processors are left to the server whose export is measured; a
// real receiver would run on another machine.
//
// OTLP over HTTP and over gRPC have an address each. GET /count on the HTTP address
// returns the counts so far, as JSON.
package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	_ "google.golang.org/grpc/encoding/gzip" // exporters may compress
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"

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

// take counts the spans of one export request. It returns an error if the request is not
// OTLP.
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
	return errors.Join(err, httpServer.Close(), json.NewEncoder(os.Stdout).Encode(s.counts()))
}

// Counts is what the sink has received so far.
type Counts struct {
	Requests int64 `json:"requests"` // export requests
	Spans    int64 `json:"spans"`
	Refused  int64 `json:"refused"` // requests that were not OTLP
}

func (s *sink) counts() Counts {
	return Counts{Requests: s.requests.Load(), Spans: s.spans.Load(), Refused: s.refused.Load()}
}

func (s *sink) grpcServer() *grpc.Server {
	return grpc.NewServer(grpc.ForceServerCodecV2(rawCodec{}), grpc.UnknownServiceHandler(s.export),
		grpc.MaxRecvMsgSize(maxBody))
}

// maxBody bounds one export request, in bytes.
const maxBody = 64 << 20

// handler serves OTLP over HTTP, in protobuf.
func (s *sink) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/traces", func(w http.ResponseWriter, r *http.Request) {
		body := bodies.Get().(*bytes.Buffer) //nolint:forcetypeassert // the pool holds nothing else
		defer bodies.Put(body)
		body.Reset()
		err := readBody(body, w, r)
		if err == nil {
			err = s.take(body.Bytes())
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/x-protobuf") // an empty response: all was taken
	})
	mux.HandleFunc("GET /count", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(s.counts()) // fails if the client has left
	})
	return mux
}

// bodies are the buffers of earlier requests, kept because the receiver shares the
// machine with what is measured and should cost as little as possible.
var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// readBody reads the body of a request, which may be compressed with gzip.
func readBody(into *bytes.Buffer, w http.ResponseWriter, r *http.Request) error {
	var body io.Reader = http.MaxBytesReader(w, r.Body, maxBody)
	if r.Header.Get("Content-Encoding") == "gzip" {
		plain, err := gzip.NewReader(body)
		if err != nil {
			return err
		}
		body = io.LimitReader(plain, maxBody)
	} else if r.ContentLength > 0 {
		into.Grow(int(min(r.ContentLength, maxBody)) + bytes.MinRead)
	}
	_, err := into.ReadFrom(body)
	return err
}

// export serves OTLP over gRPC: one request message, one empty reply.
func (s *sink) export(_ any, stream grpc.ServerStream) error {
	var body []byte
	if err := stream.RecvMsg(&body); err != nil {
		return err
	}
	if err := s.take(body); err != nil {
		return status.Error(codes.InvalidArgument, err.Error())
	}
	return stream.SendMsg(new([]byte))
}

// rawCodec passes messages through as bytes.
type rawCodec struct{}

// Name returns the name of the codec that exporters ask for.
func (rawCodec) Name() string { return "proto" }

// Marshal takes a *[]byte.
func (rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	message, ok := v.(*[]byte)
	if !ok {
		return nil, fmt.Errorf("marshal %T: not bytes", v)
	}
	return mem.BufferSlice{mem.SliceBuffer(*message)}, nil
}

// Unmarshal takes a *[]byte.
func (rawCodec) Unmarshal(data mem.BufferSlice, v any) error {
	message, ok := v.(*[]byte)
	if !ok {
		return fmt.Errorf("unmarshal %T: not bytes", v)
	}
	*message = data.Materialize()
	return nil
}

// The field numbers: of the resource spans in an export request, of the scope spans in
// those, and of the spans in the scope spans.
const (
	fieldResourceSpans = 1
	fieldScopeSpans    = 2
	fieldSpans         = 2
)

// countSpans returns the number of spans in an ExportTraceServiceRequest, without
// decoding them.
func countSpans(request []byte) (n int, err error) {
	err = each(request, fieldResourceSpans, func(resource []byte) error {
		return each(resource, fieldScopeSpans, func(scope []byte) error {
			return each(scope, fieldSpans, func([]byte) error { n++; return nil })
		})
	})
	return n, err
}

// each calls visit with every message in the given field, until visit returns an error.
func each(message []byte, field protowire.Number, visit func([]byte) error) error {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return fmt.Errorf("otlp: %w", protowire.ParseError(n))
		}
		message = message[n:]
		size := protowire.ConsumeFieldValue(number, kind, message)
		if size < 0 {
			return fmt.Errorf("otlp: %w", protowire.ParseError(size))
		}
		if number == field && kind == protowire.BytesType {
			inner, _ := protowire.ConsumeBytes(message)
			if err := visit(inner); err != nil {
				return err
			}
		}
		message = message[size:]
	}
	return nil
}
