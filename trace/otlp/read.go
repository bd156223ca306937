package otlp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"unicode/utf8"

	"glasskv/trace"
)

// File is the content of a trace file.
type File struct {
	Timelines []*trace.Timeline // in the order of their roots in the file
	// Problems says what could not be read. What is wrong with a single timeline is in
	// the timeline's own Problems.
	Problems []string
}

// The errors of Read and ReadFile for input without a single span.
var (
	ErrEmptyFile = errors.New("the file is empty")
	ErrNotJSON   = errors.New("not JSON")
	ErrNoSpans   = errors.New("no spans in it")
)

// The limits of what is read. The rest is left out, and Problems says so.
const (
	maxFileBytes = 512 << 20
	maxFileSpans = 1_000_000
)

// ReadFile reads the traces in a file, as Read does. Its errors name the file. They are
// those of Read and of os.Open.
func ReadFile(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("trace file: %w", err)
	}
	defer func() { _ = f.Close() }() // it is only read
	var size int64
	if info, err := f.Stat(); err == nil {
		size = info.Size() // a hint; 0 for a pipe
	}
	file, err := readSized(f, size)
	if err != nil {
		return nil, fmt.Errorf("trace file %s: %w", path, err)
	}
	return file, nil
}

// Read reads traces of any program. The input is OTLP/JSON, as one export request per
// line or as one object, or the objects that the SDK's stdout exporter writes. Spans of
// another program become stages with the spans' names.
//
// Of a damaged file, Read returns what can be read, and File.Problems says what is
// missing. If there is not a single span, Read returns ErrEmptyFile, ErrNotJSON or
// ErrNoSpans. It also returns errors of r.
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
		return nil, l.noSpans(data)
	}
	b := &builder{spans: l.spans}
	return &File{Timelines: b.timelines(), Problems: l.problems.list()}, nil
}

// noSpans returns the error for a file without spans.
func (l *loader) noSpans(data []byte) error {
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

// problems collects what is wrong with a file or a trace. Of each kind it keeps the
// first texts, and counts the others.
type problems struct {
	kinds []string // in the order of their first problems
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

// readSpan is a span from a file. IDs are texts that are only compared, so that they
// may have any form.
type readSpan struct {
	trace, id, parent string
	remote            bool // the parent is known to be in another process
	name, service     string
	client            bool  // the kind is client
	begin, end        int64 // nanoseconds since 1970; 0 if absent
	attrs             []readAttr
	links             []readLink
	failed            bool // the status is an error
	message           string
}

type readAttr struct {
	key, text string
	list      []string // the elements, if the value is an array
}

type readLink struct {
	trace, id string
	attrs     []readAttr
}

func find(attrs []readAttr, key string) (readAttr, bool) {
	for i := range attrs {
		if attrs[i].key == key {
			return attrs[i], true
		}
	}
	return readAttr{}, false
}

// loader collects the spans of a file. A file is a sequence of JSON values. It is cut
// into chunks where a value begins a line, and each chunk is read separately, so that
// damage to one value does not affect the next.
type loader struct {
	spans    []readSpan
	objects  int   // how many JSON objects began
	first    error // the first problem
	problems problems

	// Of the last span in the stdout exporter's format. The resource is the same in
	// each span of a program, so that it is decoded only when it changes.
	resource []byte
	service  string
}

func (l *loader) load(data []byte) {
	line := 1
	for len(data) > 0 && len(l.spans) < maxFileSpans {
		n := chunkLen(data)
		l.chunk(data[:n], line)
		line += bytes.Count(data[:n], []byte{'\n'})
		data = data[n:]
	}
	if len(l.spans) >= maxFileSpans && len(bytes.TrimSpace(data)) > 0 {
		l.problems.add("number", "more than %d spans: the rest is left out", maxFileSpans)
	}
}

// chunkLen returns the length of the chunk at the beginning of data: up to the next
// line that begins with a value.
func chunkLen(data []byte) int {
	for at := 0; ; {
		i := bytes.IndexByte(data[at:], '\n')
		if i < 0 || at+i+1 == len(data) {
			return len(data)
		}
		at += i + 1
		if data[at] == '{' || data[at] == '[' {
			return at
		}
	}
}

// chunk reads the values of a chunk, usually one. line is the chunk's first line.
func (l *loader) chunk(data []byte, line int) {
	rest := bytes.TrimLeft(data, " \t\r\n,]")
	line += bytes.Count(data[:len(data)-len(rest)], []byte{'\n'})
	rest = bytes.TrimRight(rest, " \t\r\n")
	if len(rest) == 0 || string(rest) == "[" {
		return // the bracket of an array whose elements begin lines of their own
	}
	r := &chunkReader{loader: l, scanner: scanner{text: rest, line: line}}
	before := len(l.spans)
	err := r.all()
	if err == nil {
		return
	}
	line = r.currentLine()
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		err = fmt.Errorf("line %d is cut short", line)
	} else {
		err = fmt.Errorf("line %d: %w", line, err)
	}
	if l.first == nil {
		l.first = err
	}
	if kept := len(l.spans) - before; kept > 0 {
		err = fmt.Errorf("%w (%d spans before that are shown)", err, kept)
	}
	l.problems.add("syntax", "%v", err)
}

// chunkReader reads the JSON values of a chunk. Members that it does not know are
// skipped. Values of the wrong shape are skipped and added to the problems. Only text
// that is not JSON is an error.
type chunkReader struct {
	*loader
	scanner
}

// all reads value after value until the chunk ends.
func (r *chunkReader) all() error {
	for len(bytes.Trim(r.rest(), " \t\r\n,]")) > 0 { // the closing bracket of an array around the values may be left
		var err error
		if r.next() == '[' {
			err = r.list(r.value)
		} else {
			err = r.value()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// value reads an export request, or a span of the stdout exporter.
func (r *chunkReader) value() error {
	if r.next() == '{' {
		r.objects++
	}
	if startsStdoutSpan(r.rest()) {
		return r.stdoutSpan()
	}
	return r.members(func(name string) error {
		switch name {
		case "resourceSpans":
			return r.list(r.resourceSpans)
		case "scopeSpans":
			return r.list(r.scopeSpans)
		}
		return r.skip("")
	})
}

func (r *chunkReader) stdoutSpan() error {
	var s stdoutSpan
	if err := r.decode(&s); err != nil {
		return err
	}
	if s.SpanContext.SpanID == "" {
		r.misshapen("an object that is no span")
		return nil
	}
	if !bytes.Equal(s.Resource, r.resource) {
		r.resource, r.service = s.Resource, serviceOf(s.Resource)
	}
	span := s.span()
	span.service = r.service
	r.add(span)
	return nil
}

func (r *chunkReader) resourceSpans() error {
	var service string
	before := len(r.spans)
	err := r.members(func(name string) error {
		switch name {
		case "scopeSpans", "instrumentationLibrarySpans": // the latter until 2022
			return r.list(r.scopeSpans)
		case "resource":
			var res otlpResource
			err := r.decode(&res)
			service = res.service()
			return err
		}
		return r.skip("")
	})
	for i := before; i < len(r.spans); i++ {
		r.spans[i].service = service // the resource may come after its spans
	}
	return err
}

func (r *chunkReader) scopeSpans() error {
	return r.members(func(name string) error {
		if name == "spans" {
			return r.list(r.span)
		}
		return r.skip("")
	})
}

func (r *chunkReader) span() error {
	if r.next() != '{' {
		return r.skip("a span that is no object")
	}
	var s otlpSpan
	if err := r.decode(&s); err != nil {
		return err
	}
	r.add(s.span())
	return nil
}

func (r *chunkReader) add(s readSpan) {
	if len(r.spans) < maxFileSpans {
		r.spans = append(r.spans, s)
	}
}

// members reads an object. For each member it calls read, which must read the value.
func (r *chunkReader) members(read func(name string) error) error {
	if r.next() != '{' {
		return r.skip("something that is no object")
	}
	return r.object(read)
}

// list reads an array. For each element it calls read, which must read it.
func (r *chunkReader) list(read func() error) error {
	if r.next() != '[' {
		return r.skip("something that is no list")
	}
	return r.array(read)
}

// skip skips a value. If what is not empty, it reports the value as misshapen.
func (r *chunkReader) skip(what string) error {
	var value json.RawMessage
	if err := r.scanner.decode(&value); err != nil {
		return err
	}
	if what != "" {
		r.misshapen(what)
	}
	return nil
}

// decode reads a value as json.Unmarshal does. Parts of it that do not fit are left out
// and reported as misshapen.
func (r *chunkReader) decode(into any) error {
	err := r.scanner.decode(into)
	var syntax *json.SyntaxError
	if err == nil || errors.As(err, &syntax) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	r.misshapen(err.Error())
	return nil
}

// misshapen reports the value just read: it is JSON, but not what belongs there.
func (r *chunkReader) misshapen(what string) {
	err := fmt.Errorf("line %d: %s", r.currentLine(), what)
	if r.first == nil {
		r.first = err
	}
	r.problems.add("shape", "%v", err)
}

// A scanner steps through JSON text. It steps into an array or an object if its caller
// asks for the elements, and leaves all other values to encoding/json. If the text
// ends early, its methods return io.EOF or io.ErrUnexpectedEOF.
type scanner struct {
	text []byte
	at   int // text[:at] has been read

	line    int // of text[counted]
	counted int
}

func (s *scanner) rest() []byte { return s.text[s.at:] }

// next returns the first byte of the next value without reading it: '{' for an object,
// and so on. At the end of the text it returns 0.
func (s *scanner) next() byte {
	if rest := bytes.TrimLeft(s.rest(), " \t\r\n"); len(rest) > 0 {
		return rest[0]
	}
	return 0
}

// currentLine returns the line of the last byte that was read.
func (s *scanner) currentLine() int {
	s.line += bytes.Count(s.text[s.counted:s.at], []byte{'\n'})
	s.counted = s.at
	return s.line
}

// decode reads the next value as json.Unmarshal does. If the value is not valid
// JSON, the scanner does not move.
func (s *scanner) decode(into any) error {
	d := json.NewDecoder(bytes.NewReader(s.rest()))
	err := d.Decode(into)
	s.at += int(d.InputOffset())
	return err
}

// array reads an array, which must come next. For each element it calls element, which
// must read it.
func (s *scanner) array(element func() error) error {
	return s.sequence('[', ']', "after array element", element)
}

// object reads an object, which must come next. For each member it calls member, which
// must read the value.
func (s *scanner) object(member func(name string) error) error {
	return s.sequence('{', '}', "after object key:value pair", func() error {
		if s.skipSpace(); s.next() != '"' {
			return s.unexpected("looking for beginning of object key string")
		}
		var name string
		if err := s.decode(&name); err != nil {
			return err
		}
		if !s.accept(':') {
			return s.unexpected("after object key")
		}
		return member(name)
	})
}

func (s *scanner) sequence(open, shut byte, after string, element func() error) error {
	s.accept(open)
	if s.accept(shut) {
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		if s.accept(shut) {
			return nil
		}
		if !s.accept(',') {
			return s.unexpected(after)
		}
	}
}

func (s *scanner) skipSpace() {
	s.at = len(s.text) - len(bytes.TrimLeft(s.rest(), " \t\r\n"))
}

// accept skips space, and then one byte if it is c. It reports whether it is.
func (s *scanner) accept(c byte) bool {
	s.skipSpace()
	if s.at == len(s.text) || s.text[s.at] != c {
		return false
	}
	s.at++
	return true
}

// unexpected returns the error for the next byte, in encoding/json's words.
func (s *scanner) unexpected(where string) error {
	if s.at == len(s.text) {
		return io.ErrUnexpectedEOF
	}
	return fmt.Errorf("invalid character %q %s", s.next(), where)
}
