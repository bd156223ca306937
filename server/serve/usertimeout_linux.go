package serve

import (
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// setUserTimeout bounds how long bytes may wait for the peer's acknowledgement
// before the kernel gives the connection up. grpc-go does this itself, but only
// to a connection whose type is *net.TCPConn, which no connection is that has
// passed cmux. It does nothing to what is no TCP connection.
func setUserTimeout(conn net.Conn, timeout time.Duration) error {
	tcp := tcpBeneath(conn)
	if tcp == nil || timeout <= 0 {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(timeout.Milliseconds()))
	})
	if err != nil {
		return err
	}
	return failed
}
