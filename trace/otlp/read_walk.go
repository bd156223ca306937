package otlp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

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
