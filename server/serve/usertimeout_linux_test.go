package serve_test

import (
	"net"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	"glasskv/server/serve"
	"glasskv/server/serve/servetest"
)

// What grpc-go does to a TCP connection is not lost on the way through cmux.
func TestThePeersAcknowledgementIsNotAwaitedForEver(t *testing.T) {
	accepted := make(chan net.Conn, 1)
	var seams serve.Seams
	seams.Listener = func(l net.Listener) net.Listener { return keepingListener{l, accepted} }
	cfg := servetest.Config(t)
	cfg.GRPCKeepAliveTimeout = 7 * time.Second
	node := servetest.Start(t, cfg, seams)
	if _, err := pb.NewKVClient(node.Conn).Put(servetest.Context(t), &pb.PutRequest{Key: []byte("k")}); err != nil {
		t.Fatal(err)
	}
	raw, err := (<-accepted).(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var got int
	var failed error
	if err := raw.Control(func(fd uintptr) {
		got, failed = syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, unix.TCP_USER_TIMEOUT)
	}); err != nil || failed != nil || got != 7000 {
		t.Errorf("TCP_USER_TIMEOUT = %d ms: %v, %v", got, err, failed)
	}
}

// keepingListener keeps the first connection that it accepts.
type keepingListener struct {
	net.Listener
	accepted chan<- net.Conn
}

func (l keepingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		select {
		case l.accepted <- conn:
		default:
		}
	}
	return conn, err
}
