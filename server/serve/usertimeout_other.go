//go:build !linux

package serve

import (
	"net"
	"time"
)

// setUserTimeout does nothing where there is no such socket option.
func setUserTimeout(net.Conn, time.Duration) error { return nil }
