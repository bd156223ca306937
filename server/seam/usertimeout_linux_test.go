package seam

import (
	"syscall"

	"golang.org/x/sys/unix"
)

func userTimeout(fd uintptr) (int, error) {
	return syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, unix.TCP_USER_TIMEOUT)
}
