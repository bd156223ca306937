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

// readSpan is a span as it was found in a file. IDs are texts that are only
// compared: a program may have written them in a way of its own.
type readSpan struct {
	trace, id, parent string
	remote            bool // the parent is known to be in another process
	name, service     string
	client            bool  // its kind is client
	begin, end        int64 // nanoseconds since 1970; zero: none
	attrs             []readAttr
	links             []readLink
	failed            bool // its status is an error
	message           string
}

type readAttr struct {
	key, ValidUTF8 string
	list           []string // of an array, its members
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

// loader takes the spans out of a file. A file is a row of JSON values; each one
// that begins a line of its own is read for itself, so that damage to one does
// not reach the next.
type loader struct {
	spans    []readSpan
	objects  int    // JSON objects that could be opened
	first    error  // the first thing that was wrong
	resource []byte // of the stdout exporter's last span, and the service in it
	service  string
	problems problems
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

// chunkLen returns where the next value begins a line, counted from one that
// begins here.
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

// chunk reads the values of one chunk, of which there is mostly one.
func (l *loader) chunk(data []byte, line int) {
	rest := bytes.TrimLeft(data, " \t\r\n,]")
	line += bytes.Count(data[:len(data)-len(rest)], []byte{'\n'})
	rest = bytes.TrimRight(rest, " \t\r\n")
	if len(rest) == 0 || string(rest) == "[" {
		return // what is left of an array whose members stand on lines of their own
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

// chunkReader reads the JSON values of a chunk. It skips members that it does not
// look for. A value of the wrong shape is named and skipped too. Only text that is
// not JSON ends the reading.
type chunkReader struct {
	*loader
	scanner
}

// all reads value after value until the chunk ends.
func (r *chunkReader) all() error {
	for len(bytes.Trim(r.rest(), " \t\r\n,]")) > 0 { // a bracket may be left of an array around the values
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

// members reads an object. For each member it calls read, which reads the value.
func (r *chunkReader) members(read func(name string) error) error {
	if r.next() != '{' {
		return r.skip("something that is no object")
	}
	return r.object(read)
}

// list reads an array. For each element it calls read, which reads it.
func (r *chunkReader) list(read func() error) error {
	if r.next() != '[' {
		return r.skip("something that is no list")
	}
	return r.array(read)
}

// skip skips a value. Unless what is empty, it names the value as misshapen.
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

// decode reads a value. Parts of it that do not fit are named and left out.
func (r *chunkReader) decode(into any) error {
	err := r.scanner.decode(into)
	var syntax *json.SyntaxError
	if err == nil || errors.As(err, &syntax) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	r.misshapen(err.Error())
	return nil
}

// misshapen names the value just read, which is JSON but not what belongs there.
func (r *chunkReader) misshapen(what string) {
	err := fmt.Errorf("line %d: %s", r.currentLine(), what)
	if r.first == nil {
		r.first = err
	}
	r.problems.add("shape", "%v", err)
}

// A scanner steps through JSON text. It goes into arrays and objects where its
// caller asks for their elements, and hands encoding/json all other values whole.
// Text that ends early is io.EOF or io.ErrUnexpectedEOF.
type scanner struct {
	text []byte
	at   int // text[:at] has been read

	line    int // of text[counted]
	counted int
}

func (s *scanner) rest() []byte { return s.text[s.at:] }

// next returns the first byte of what comes next, which tells a value's kind.
// At the end of the text it returns 0.
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

// array reads the array that comes next.
func (s *scanner) array(element func() error) error {
	return s.sequence('[', ']', "after array element", element)
}

// object reads the object that comes next.
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

// accept reads the next byte that is not space if it is c, and reports whether it
// is.
func (s *scanner) accept(c byte) bool {
	s.skipSpace()
	if s.at == len(s.text) || s.text[s.at] != c {
		return false
	}
	s.at++
	return true
}

// unexpected returns the error for what comes next, in encoding/json's words.
func (s *scanner) unexpected(where string) error {
	if s.at == len(s.text) {
		return io.ErrUnexpectedEOF
	}
	return fmt.Errorf("invalid character %q %s", s.next(), where)
}
