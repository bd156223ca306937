package front

import (
	"io"
	"net"
	"sync"
)

// readBufferSize is grpc-go's own default, so that the number of system calls
// stays what it is without the seam.
const readBufferSize = 32 << 10

var readBuffers = sync.Pool{New: func() any {
	b := make([]byte, readBufferSize)
	return &b
}}

// readBuffer stands between a connection and the transport, in the place of the
// buffer that ReadBufferSize(0) took out of the transport. Where the system
// tells when a socket has something to read, an idle connection holds no memory.
type readBuffer struct {
	src     io.Reader
	sniffed int          // bytes that cmux has read and gives back first
	ready   *readySocket // nil where the system cannot tell
	bytes   *[]byte      // nil while there is nothing in it
	r, w    int
	err     error // came with the last bytes
}

func newReadBuffer(conn net.Conn) readBuffer {
	b := readBuffer{src: conn}
	if sniffed, known := sniffedBytes(conn); known {
		b.sniffed, b.ready = sniffed, newReadySocket(conn)
	}
	return b
}

// read is io.Reader's: at most one read from the connection, and only when
// nothing is left of the last one.
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

// peek returns the next n bytes without consuming them, or nil when they are not
// all there. They stay as they are until the buffer is filled again.
func (b *readBuffer) peek(n int) []byte {
	if b.w-b.r < n {
		return nil
	}
	return (*b.bytes)[b.r : b.r+n]
}

func (b *readBuffer) release() {
	if b.bytes != nil {
		readBuffers.Put(b.bytes)
		b.bytes = nil
	}
}

func newReadBytes() *[]byte {
	return readBuffers.Get().(*[]byte) //nolint:forcetypeassert // the pool holds nothing else
}
