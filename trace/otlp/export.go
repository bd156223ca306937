package otlp

import (
	"context"
	"errors"
	"fmt"
	"io"

	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
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
