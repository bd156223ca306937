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

// The kinds of exporters that NewSink knows.
const (
	ExporterNone   = "none"
	ExporterStdout = "stdout" // the SDK's JSON, an object a span
	ExporterOTLP   = "otlp"   // to where the OTEL_EXPORTER_OTLP_* variables say
	ExporterFile   = "file"   // OTLP/JSON, an export request a line
)

// ErrExporter is returned when there is no exporter of that name.
var ErrExporter = errors.New("no such exporter")

// SinkOptions say which exporter NewSink makes.
type SinkOptions struct {
	Kind   string    // one of the kinds above; "" is ExporterNone
	Path   string    // the file of ExporterFile; made if need be, appended to if not
	Writer io.Writer // where ExporterStdout writes
}

// NewSink returns the exporter that o describes, or nil for ExporterNone. No exporter waits for
// its receiver to be there. ErrExporter is returned when the kind is unknown,
// ErrProtocol when the environment asks for a protocol that there is not.
func NewSink(ctx context.Context, o SinkOptions) (SpanSink, error) {
	switch o.Kind {
	case ExporterNone, "":
		return nil, nil
	case ExporterStdout:
		exporter, err := stdouttrace.New(stdouttrace.WithWriter(o.Writer))
		if err != nil {
			return nil, fmt.Errorf("stdout exporter: %w", err)
		}
		return exporter, nil
	case ExporterFile:
		return newFileSink(o.Path)
	case ExporterOTLP:
		return newOTLPSink(ctx)
	}
	return nil, fmt.Errorf("%w: %q (%s, %s, %s or %s)",
		ErrExporter, o.Kind, ExporterNone, ExporterStdout, ExporterOTLP, ExporterFile)
}

// fileSink appends spans to a file: OTLP/JSON, one export request a line, as the
// Collector's file exporter writes it.
type fileSink struct {
	mu   sync.Mutex
	file *os.File
	line []byte
}

// newFileSink opens the file. A last line that was cut short is left as it is,
// and what comes next begins on a line of its own.
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

func endLine(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() == 0 || !info.Mode().IsRegular() { // a pipe has no end to look at
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

// ExportSpans writes spans of the SDK, one line for each run of spans that have
// resource and scope in common.
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

// Shutdown closes the file.
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

// ErrProtocol is returned when OTEL_EXPORTER_OTLP_PROTOCOL names a protocol
// other than grpc and http/protobuf.
var ErrProtocol = errors.New("unsupported OTLP protocol")

// otlpSink sends spans with OpenTelemetry's own OTLP clients. As an ordinary
// exporter it takes the SDK's spans; the recorder hands its own over directly.
//
// The direct way writes the spans' protobuf encoding at once. The clients take
// messages and encode them themselves, so the encoded spans are given to them as
// a message's unknown fields: what protobuf does not know it passes on as it is,
// and on the wire there is no difference. Against the way over the SDK's spans
// and OTLP's messages it takes a tenth of the time, which decides whether every
// request can be exported under load.
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

// otlpClient picks the protocol; all else the clients read from the environment
// themselves.
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
