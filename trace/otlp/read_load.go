package otlp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

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
