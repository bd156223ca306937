package seam

import (
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"testing"

	"glasskv/server/seam/seamtest"
	"glasskv/trace"
	"glasskv/trace/stages"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

// shutListener fails a number of times before it accepts.
type shutListener struct {
	net.Listener
	left *atomic.Int32
}

func (l shutListener) Accept() (net.Conn, error) {
	if l.left.Add(-1) >= 0 {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	return l.Listener.Accept()
}

// The connection that is accepted after a row of failures tells of them, whoever
// waited between them: cmux's loop, with what stands below it, or grpc-go's.
func TestFailuresOfAcceptAreToldByTheNextConnection(t *testing.T) {
	for name, shut := range map[string]func(*doorConfig, *atomic.Int32){
		"cmux's loop": func(c *doorConfig, left *atomic.Int32) {
			observe := c.Seams.Accept
			c.Seams.Accept = func(l net.Listener) net.Listener { return observe(shutListener{l, left}) }
		},
		"grpc-go's loop": func(c *doorConfig, left *atomic.Int32) {
			observe := c.Seams.Listener
			c.Seams.Listener = func(l net.Listener) net.Listener { return observe(shutListener{l, left}) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			var left atomic.Int32
			left.Store(3)
			d := openDoor(t, func(c *doorConfig) { shut(c, &left) })
			if _, err := pb.NewKVClient(d.Conn).Put(seamtest.Limit(t), &pb.PutRequest{Key: []byte("k")}); err != nil {
				t.Fatal(err)
			}
			st := d.next().Find(stages.AcceptBackoff)
			if st == nil {
				t.Fatal("no back-off in the timeline")
			}
			if d := st.Duration(); d < 35e6 { // 5, 10 and 20 ms
				t.Errorf("it took %d ns", d)
			}
			if st.Attributes[trace.AttrAttempts] != "3" || st.Attributes[trace.AttrError] != "accept tcp: accept4: too many open files" {
				t.Errorf("attributes %v", st.Attributes)
			}
		})
	}
}
