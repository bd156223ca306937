package serve

import (
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// setUserTimeout sets how long sent bytes may wait for the peer's acknowledgement before the
// kernel gives the connection up. It does nothing if there is no TCP connection below conn,
// or timeout is not positive. grpc-go does the same, but only for connections of type
// *net.TCPConn, and cmux wraps its connections.
func setUserTimeout(conn net.Conn, timeout time.Duration) error {
	tcp := tcpBelow(conn)
	if tcp == nil || timeout <= 0 {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return err
	}
	var optErr error
	err = raw.Control(func(fd uintptr) {
		optErr = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(timeout.Milliseconds()))
	})
	if err != nil {
		return err
	}
	return optErr
}
