package otlp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"unicode/utf8"

	"glasskv/trace"
)

// File is what a trace file holds, in the order in which it stands there.
type File struct {
	Timelines []*trace.Timeline
	// Problems names what could not be read, or not be believed, and belongs to
	// no single timeline. What belongs to one stands in its own Problems.
	Problems []string
}

// The errors of Read and ReadFile. Each is returned only when there is nothing
// to show at all.
var (
	ErrEmptyFile = errors.New("the file is empty")
	ErrNotJSON   = errors.New("not JSON")
	ErrNoSpans   = errors.New("no spans in it")
)

// What a file may hold; the rest is left out, with a word in Problems.
const (
	maxFileBytes = 512 << 20
	maxFileSpans = 1_000_000
)

// ReadFile reads the traces in a file; see Read.
func ReadFile(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("trace file: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	var size int64
	if info, err := f.Stat(); err == nil {
		size = info.Size() // a hint; a pipe has none
	}
	file, err := readSized(f, size)
	if err != nil {
		return nil, fmt.Errorf("trace file %s: %w", path, err)
	}
	return file, nil
}

// Read reads traces: OTLP/JSON, as an export request a line or as one object, or
// the objects that the SDK's stdout exporter writes. They need not be GlassKV's:
// spans of any program become stages by their names.
//
// A damaged file is read as far as it goes. ErrEmptyFile, ErrNotJSON or
// ErrNoSpans is returned when nothing in it can be shown.
func Read(r io.Reader) (*File, error) { return readSized(r, 0) }

func readSized(r io.Reader, size int64) (*File, error) {
	var text bytes.Buffer
	text.Grow(int(min(size, maxFileBytes)) + bytes.MinRead)
	if _, err := text.ReadFrom(io.LimitReader(r, maxFileBytes+1)); err != nil {
		return nil, err
	}
	data := text.Bytes()
	l := &loader{}
	if len(data) > maxFileBytes {
		data = data[:maxFileBytes]
		l.problems.add("size", "the file is larger than %d MiB: the rest is left out", maxFileBytes>>20)
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, ErrEmptyFile
	}
	l.load(data)
	if len(l.spans) == 0 {
		return nil, l.nothing(data)
	}
	b := &builder{spans: l.spans}
	return &File{Timelines: b.timelines(), Problems: l.problems.list()}, nil
}

// nothing says why there is nothing to show.
func (l *loader) nothing(data []byte) error {
	switch {
	case bytes.IndexByte(data[:min(len(data), 512)], 0) >= 0 || !utf8.Valid(data[:min(len(data), 64)]):
		return fmt.Errorf("%w: it looks binary", ErrNotJSON)
	case l.objects == 0 && l.first != nil:
		return fmt.Errorf("%w: %w", ErrNotJSON, l.first)
	case l.first != nil:
		return fmt.Errorf("%w: %w", ErrNoSpans, l.first)
	}
	return ErrNoSpans
}

// problems collects what is wrong with a file or a trace: each kind a few times
// in full, and then only as a number.
type problems struct {
	kinds []string // in the order in which they first came up
	byKey map[string]*problemKind
}

type problemKind struct {
	texts []string
	more  int
}

const maxProblemsOfAKind = 8

func (p *problems) add(kind, format string, args ...any) {
	if p.byKey == nil {
		p.byKey = make(map[string]*problemKind)
	}
	k := p.byKey[kind]
	if k == nil {
		k = new(problemKind)
		p.byKey[kind] = k
		p.kinds = append(p.kinds, kind)
	}
	if len(k.texts) == maxProblemsOfAKind {
		k.more++
		return
	}
	k.texts = append(k.texts, fmt.Sprintf(format, args...))
}

func (p *problems) list() (all []string) {
	for _, kind := range p.kinds {
		k := p.byKey[kind]
		all = append(all, k.texts...)
		if k.more > 0 {
			all = append(all, fmt.Sprintf("and %d more like that", k.more))
		}
	}
	return all
}
