//go:build !linux

package serve

import (
	"net"
	"time"
)

// setUserTimeout does nothing: only Linux has the socket option.
func setUserTimeout(net.Conn, time.Duration) error { return nil }
