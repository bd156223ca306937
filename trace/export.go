package trace

import (
	"context"
	"errors"
	"fmt"
	"io"

	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
)

// The kinds of exporters that NewExporter knows.
const (
	ExportNone   = "none"
	ExportStdout = "stdout" // the SDK's JSON, an object a span
	ExportOTLP   = "otlp"   // to where the OTEL_EXPORTER_OTLP_* variables say
	ExportFile   = "file"   // OTLP/JSON, an export request a line
)

// ErrExporter is returned when there is no exporter of that name.
var ErrExporter = errors.New("no such exporter")

// NewExporter makes an exporter of one of the kinds above; for ExportNone it
// returns nil. ExportStdout writes to out, ExportFile appends to the file at
// path and makes it if need be. No exporter waits for its receiver to be there.
// ErrExporter is returned when the kind is unknown, ErrProtocol when the
// environment asks for a protocol that it is not.
func NewExporter(ctx context.Context, kind, path string, out io.Writer) (SpanSink, error) {
	switch kind {
	case ExportNone, "":
		return nil, nil
	case ExportStdout:
		exporter, err := stdouttrace.New(stdouttrace.WithWriter(out))
		if err != nil {
			return nil, fmt.Errorf("stdout exporter: %w", err)
		}
		return exporter, nil
	case ExportFile:
		return newFileSink(path)
	case ExportOTLP:
		return newOTLPSink(ctx)
	}
	return nil, fmt.Errorf("%w: %q (%s, %s, %s or %s)", ErrExporter, kind, ExportNone, ExportStdout, ExportOTLP, ExportFile)
}
