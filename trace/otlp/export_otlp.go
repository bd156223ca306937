package otlp

import (
	"context"
	"errors"
	"fmt"
	"os"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

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
