package front

import (
	"io"
	"net"
	"sync"
)

// readBufferSize is grpc-go's default, so that the number of system calls is the same as without
// the seam.
const readBufferSize = 32 << 10

var readBuffers = sync.Pool{New: func() any {
	b := make([]byte, readBufferSize)
	return &b
}}

// readBuffer is the read buffer of a connection, in place of the transport's own, which
// ReadBufferSize(0) removes. If the system reports when a socket has something to read, an idle
// connection holds no memory.
type readBuffer struct {
	src     io.Reader
	sniffed int          // bytes left of those that cmux has read, which src returns first
	ready   *readySocket // nil if the system does not report it
	bytes   *[]byte      // unread: (*bytes)[r:w]
	r, w    int
	err     error // came with the last bytes; returned after them
}

// newReadBuffer returns an empty buffer for conn.
func newReadBuffer(conn net.Conn) readBuffer {
	b := readBuffer{src: conn}
	if sniffed, known := sniffedBytes(conn); known {
		b.sniffed, b.ready = sniffed, newReadySocket(conn)
	}
	return b
}

// read is like io.Reader's Read. It reads from the connection at most once, and only if nothing
// is left in the buffer.
func (b *readBuffer) read(p []byte) (int, error) {
	if b.r == b.w {
		if b.err != nil {
			return 0, b.err
		}
		if len(p) >= readBufferSize {
			n, err := b.src.Read(p)
			b.sniffed -= n
			return n, err
		}
		b.fill()
		if b.w == 0 {
			return 0, b.err
		}
	}
	n := copy(p, (*b.bytes)[b.r:b.w])
	b.r += n
	return n, nil
}

// fill reads once from the connection into the empty buffer.
func (b *readBuffer) fill() {
	b.r, b.w = 0, 0
	if b.ready != nil && b.sniffed <= 0 {
		b.release()
		b.bytes, b.w, b.err = b.ready.read()
		return
	}
	if b.bytes == nil {
		b.bytes = newReadBytes()
	}
	b.w, b.err = b.src.Read(*b.bytes)
	b.sniffed -= b.w
}

// peek returns the next n bytes without consuming them, or nil if the buffer has fewer. They are
// valid until the next read from the connection.
func (b *readBuffer) peek(n int) []byte {
	if b.w-b.r < n {
		return nil
	}
	return (*b.bytes)[b.r : b.r+n]
}

// release gives the buffer's memory back.
func (b *readBuffer) release() {
	if b.bytes != nil {
		readBuffers.Put(b.bytes)
		b.bytes = nil
	}
}

func newReadBytes() *[]byte {
	return readBuffers.Get().(*[]byte) //nolint:forcetypeassert // the pool holds nothing else
}
