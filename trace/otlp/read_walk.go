package otlp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// values walks over the JSON values of a chunk. What it does not look for it
// passes over, whatever it is; a value of the wrong shape is named and passed
// over too. Only JSON that is broken ends the walk.
type values struct {
	*loader
	data []byte
	dec  *json.Decoder // over data
	line int           // of data's begin
}

// peek returns what comes next: the first byte tells its shape.
func (v *values) peek() []byte {
	return bytes.TrimLeft(v.data[v.dec.InputOffset():], " \t\r\n,:")
}

// all reads value after value until the chunk ends.
func (v *values) all() error {
	for {
		next := v.peek()
		if len(bytes.Trim(next, " \t\r\n,]")) == 0 {
			return nil // a bracket may be left of an array around the values
		}
		var err error
		if next[0] == '[' {
			err = v.list(v.value)
		} else {
			err = v.value()
		}
		if err != nil {
			return err
		}
	}
}

// value reads an export request, or a span of the stdout exporter.
func (v *values) value() error {
	next := v.peek()
	if len(next) > 0 && next[0] == '{' {
		v.objects++
	}
	if startsStdoutSpan(next) {
		var s stdoutSpan
		if err := v.decode(&s); err != nil {
			return err
		}
		if s.SpanContext.SpanID == "" {
			v.misshapen("an object that is no span")
			return nil
		}
		if !bytes.Equal(s.Resource, v.resource) {
			v.resource, v.service = s.Resource, serviceOf(s.Resource)
		}
		span := s.span()
		span.service = v.service
		v.add(span)
		return nil
	}
	return v.members(map[string]func() error{
		"resourceSpans": func() error { return v.list(v.resourceSpans) },
		"scopeSpans":    func() error { return v.list(v.scopeSpans) },
	})
}

func (v *values) resourceSpans() error {
	var service string
	before := len(v.spans)
	scopes := func() error { return v.list(v.scopeSpans) }
	err := v.members(map[string]func() error{
		"scopeSpans":                  scopes,
		"instrumentationLibrarySpans": scopes, // its name before 2022
		"resource": func() error {
			var r otlpResource
			err := v.decode(&r)
			service = r.service()
			return err
		},
	})
	for i := before; i < len(v.spans); i++ {
		v.spans[i].service = service // the resource may stand behind its spans
	}
	return err
}

func (v *values) scopeSpans() error {
	return v.members(map[string]func() error{"spans": func() error { return v.list(v.span) }})
}

func (v *values) span() error {
	var s otlpSpan
	if len(v.peek()) > 0 && v.peek()[0] != '{' {
		return v.skip("a span that is no object")
	}
	if err := v.decode(&s); err != nil {
		return err
	}
	v.add(s.span())
	return nil
}

func (v *values) add(s readSpan) {
	if len(v.spans) < maxFileSpans {
		v.spans = append(v.spans, s)
	}
}

// members reads an object, with a function for each member that is wanted.
func (v *values) members(wanted map[string]func() error) error {
	if next := v.peek(); len(next) > 0 && next[0] != '{' {
		return v.skip("something that is no object")
	}
	if _, err := v.dec.Token(); err != nil {
		return err
	}
	for v.dec.More() {
		key, err := v.dec.Token()
		if err != nil {
			return err
		}
		name, _ := key.(string) // a member begins with its name, or the decoder has said so
		if read := wanted[name]; read != nil {
			err = read()
		} else {
			err = v.skip("")
		}
		if err != nil {
			return err
		}
	}
	_, err := v.dec.Token()
	return err
}

// list reads an array, with a function for each item.
func (v *values) list(item func() error) error {
	if next := v.peek(); len(next) > 0 && next[0] != '[' {
		return v.skip("something that is no list")
	}
	if _, err := v.dec.Token(); err != nil {
		return err
	}
	for v.dec.More() {
		if err := item(); err != nil {
			return err
		}
	}
	_, err := v.dec.Token()
	return err
}

// skip passes over a value, and names it if it should have been another.
func (v *values) skip(what string) error {
	var value json.RawMessage
	if err := v.dec.Decode(&value); err != nil {
		return err
	}
	if what != "" {
		v.misshapen(what)
	}
	return nil
}

// decode reads a value. What of it does not fit is named and left out; the rest
// counts.
func (v *values) decode(into any) error {
	err := v.dec.Decode(into)
	var syntax *json.SyntaxError
	if err == nil || errors.As(err, &syntax) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	v.misshapen(err.Error())
	return nil
}

// misshapen names a value that is JSON but not what belongs there.
func (v *values) misshapen(what string) {
	at := v.line + bytes.Count(v.data[:v.dec.InputOffset()], []byte{'\n'})
	err := fmt.Errorf("line %d: %s", at, what)
	if v.first == nil {
		v.first = err
	}
	v.problems.add("shape", "%v", err)
}
