package otlp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// SinkNone is the kind of sink for which NewSink returns nil.
const SinkNone = "none"

const (
	sinkStdout = "stdout"
	sinkOTLP   = "otlp"
	sinkFile   = "file"
)

// The errors of NewSink.
var (
	ErrSinkKind = errors.New("no such exporter")          // SinkOptions.Kind is not known
	ErrProtocol = errors.New("unsupported OTLP protocol") // OTEL_EXPORTER_OTLP_PROTOCOL is neither grpc nor http/protobuf
)

// SinkOptions describe a sink.
type SinkOptions struct {
	// Kind is one of:
	//
	//	none    no sink; likewise if Kind is empty
	//	stdout  Writer, with one JSON object per span, as the SDK's stdout exporter writes it
	//	otlp    a collector; the OTEL_EXPORTER_OTLP_* variables say where and how
	//	file    Path, with one export request of OTLP/JSON per line
	Kind   string
	Path   string // the file is created if it does not exist, and appended to if it does
	Writer io.Writer
}

// NewSink returns the sink that o describes, or nil for SinkNone. It does not wait
// until a collector can be reached. If o.Kind is not known, it returns ErrSinkKind. If
// the environment asks for a protocol other than grpc and http/protobuf, it returns
// ErrProtocol. Other errors say why a file cannot be opened.
func NewSink(ctx context.Context, o SinkOptions) (SpanSink, error) {
	switch o.Kind {
	case SinkNone, "":
		return nil, nil
	case sinkStdout:
		exporter, err := stdouttrace.New(stdouttrace.WithWriter(o.Writer))
		if err != nil {
			return nil, fmt.Errorf("stdout exporter: %w", err)
		}
		return exporter, nil
	case sinkFile:
		return newFileSink(o.Path)
	case sinkOTLP:
		return newOTLPSink(ctx)
	}
	return nil, fmt.Errorf("%w: %q (%s, %s, %s or %s)",
		ErrSinkKind, o.Kind, SinkNone, sinkStdout, sinkOTLP, sinkFile)
}

// fileSink appends spans to a file: OTLP/JSON, one export request per line, as the
// Collector's file exporter writes it. It is safe for concurrent use.
type fileSink struct {
	mu   sync.Mutex
	file *os.File
	line []byte
}

// newFileSink opens the file. A last line that was cut short stays, and the first
// span is written to a line of its own.
func newFileSink(path string) (*fileSink, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("trace file: %w", err)
	}
	if err := endLine(f); err != nil {
		return nil, errors.Join(fmt.Errorf("trace file: %w", err), f.Close())
	}
	return &fileSink{file: f}, nil
}

// endLine appends a newline to a file that does not end in one.
func endLine(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() == 0 || !info.Mode().IsRegular() { // a pipe has no last byte to read
		return nil
	}
	var last [1]byte
	if _, err := f.ReadAt(last[:], info.Size()-1); err != nil {
		return err
	}
	if last[0] == '\n' {
		return nil
	}
	_, err = f.WriteString("\n")
	return err
}

func (s *fileSink) exportDirect(ctx context.Context, from *provenance, spans []span) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return os.ErrClosed
	}
	s.line = append(appendRequestJSON(s.line[:0], from, spans), '\n')
	if _, err := s.file.Write(s.line); err != nil {
		return fmt.Errorf("write spans: %w", err)
	}
	return nil
}

// ExportSpans writes spans of the SDK, one line for each run of spans that have the
// same resource and scope. After Shutdown it returns os.ErrClosed.
func (s *fileSink) ExportSpans(ctx context.Context, all []sdktrace.ReadOnlySpan) error {
	for len(all) > 0 {
		from := provenance{resource: all[0].Resource(), scope: all[0].InstrumentationScope()}
		var spans []span
		for len(all) > 0 && all[0].Resource() == from.resource && all[0].InstrumentationScope() == from.scope {
			spans, all = append(spans, spanOf(all[0])), all[1:]
		}
		if err := s.exportDirect(ctx, &from, spans); err != nil {
			return err
		}
	}
	return nil
}

// Shutdown closes the file. Further calls do nothing.
func (s *fileSink) Shutdown(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return nil
	}
	f := s.file
	s.file = nil
	return f.Close()
}

// otlpSink sends spans with OpenTelemetry's own OTLP clients. Other programs' spans,
// which are the SDK's, take the embedded Exporter's ExportSpans; ours take
// exportDirect.
//
// exportDirect encodes the spans itself. The clients only take messages, which they
// encode. So it passes them the encoded spans as the unknown fields of a message:
// protobuf writes unknown fields as they are, and on the wire there is no difference.
// That takes a tenth of the time of a detour by way of the SDK's spans and OTLP's
// messages, which decides whether every request can be exported under load.
type otlpSink struct {
	*otlptrace.Exporter
	client  otlptrace.Client
	encoded []byte
}

func newOTLPSink(ctx context.Context) (SpanSink, error) {
	client, err := otlpClient()
	if err != nil {
		return nil, err
	}
	exporter, err := otlptrace.New(ctx, client)
	if err != nil {
		return nil, fmt.Errorf("start OTLP exporter: %w", err)
	}
	return &otlpSink{Exporter: exporter, client: client}, nil
}

// otlpClient returns the client for the protocol that the environment names. The
// client reads everything else from the environment itself.
func otlpClient() (otlptrace.Client, error) {
	protocol := os.Getenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL")
	if protocol == "" {
		protocol = os.Getenv("OTEL_EXPORTER_OTLP_PROTOCOL")
	}
	switch protocol {
	case "grpc":
		return otlptracegrpc.NewClient(), nil
	case "http/protobuf", "":
		return otlptracehttp.NewClient(), nil
	}
	return nil, fmt.Errorf("%w: %q (grpc or http/protobuf)", ErrProtocol, protocol)
}

func (o *otlpSink) exportDirect(ctx context.Context, from *provenance, spans []span) error {
	o.encoded = inProtobuf.spans(o.encoded[:0], spans)
	scope := &tracepb.ScopeSpans{
		Scope:     &commonpb.InstrumentationScope{Name: from.scope.Name, Version: from.scope.Version},
		SchemaUrl: from.scope.SchemaURL,
	}
	scope.ProtoReflect().SetUnknown(o.encoded)
	var resource resourcepb.Resource
	if err := proto.Unmarshal(from.encoded, &resource); err != nil {
		return fmt.Errorf("resource: %w", err)
	}
	return o.client.UploadTraces(ctx, []*tracepb.ResourceSpans{{
		Resource: &resource, ScopeSpans: []*tracepb.ScopeSpans{scope}, SchemaUrl: from.resource.SchemaURL(),
	}})
}
