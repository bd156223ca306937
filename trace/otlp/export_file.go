package otlp

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

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
