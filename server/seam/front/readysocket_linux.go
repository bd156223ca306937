package front

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// readySocket reads a TCP socket into memory that it takes from readBuffers only when the socket
// has something to read (upstream: readyreader.Reader). It must be used by one goroutine at a
// time.
type readySocket struct {
	raw   syscall.RawConn
	try   func(fd uintptr) bool // the method attempt, bound once to save an allocation for each read
	bytes *[]byte
	n     int
	err   error
}

// newReadySocket returns nil if conn is not a plain TCP connection.
func newReadySocket(conn net.Conn) *readySocket {
	if _, secure := unwrap[*tls.Conn](conn); secure {
		return nil // the socket's bytes are not the connection's
	}
	tcp, ok := unwrap[*net.TCPConn](conn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil // the connection is closed; an ordinary Read reports it
	}
	s := &readySocket{raw: raw}
	s.try = s.attempt
	return s
}

// read waits until there is something to read and returns it, in a buffer that belongs to the
// caller.
func (s *readySocket) read() (*[]byte, int, error) {
	err := s.raw.Read(s.try)
	bytes, n := s.bytes, s.n
	s.bytes = nil
	switch {
	case err != nil:
	case s.err != nil:
		err = os.NewSyscallError("read", s.err)
	case n == 0:
		err = io.EOF
	default:
		return bytes, n, nil
	}
	if bytes != nil {
		readBuffers.Put(bytes)
	}
	return nil, 0, err
}

// attempt reads without waiting. It returns false if there is nothing to read; the runtime
// calls it again when the socket is ready.
func (s *readySocket) attempt(fd uintptr) bool {
	s.bytes = newReadBytes()
	for {
		s.n, s.err = syscall.Read(int(fd), *s.bytes)
		if !errors.Is(s.err, syscall.EINTR) {
			break
		}
	}
	if errors.Is(s.err, syscall.EAGAIN) {
		readBuffers.Put(s.bytes)
		s.bytes = nil
		return false
	}
	return true
}
