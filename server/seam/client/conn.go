package client

import (
	"math"
	"net"
	"sync"
	"sync/atomic"

	"glasskv/server/seam/frames"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// clientConn sees the HTTP/2 frames of one connection pass in both directions
// and stamps the calls that they belong to. It changes nothing.
type clientConn struct {
	net.Conn
	o *Observer

	// The writing side. grpc-go writes from one goroutine at a time.
	out    frames.Counter
	header *hpack.Decoder // keeps step with the encoder behind us
	parent string         // the traceparent of the header block being read
	ending []*InFlight    // calls whose request ends in the bytes being written

	in    frames.Counter // the reading side, one goroutine
	ready atomic.Int64   // when the server's SETTINGS had been read: from then on it carries calls

	mu    sync.Mutex
	calls map[uint32]*InFlight // by stream
}

func newClientConn(conn net.Conn, o *Observer) *clientConn {
	c := &clientConn{Conn: conn, o: o, out: frames.AfterPreface(), calls: make(map[uint32]*InFlight)}
	c.header = hpack.NewDecoder(4096, func(f hpack.HeaderField) {
		if f.Name == HeaderTraceParent {
			c.parent = f.Value
		}
	})
	// The server chooses how large the table is, our own encoder says it.
	c.header.SetAllowedMaxDynamicTableSize(math.MaxUint32)
	return c
}

// Write looks at the frames before they leave, because the reply may be read
// before Write has returned, and stamps behind the system call.
func (c *clientConn) Write(b []byte) (int, error) {
	c.leaving(b)
	n, err := c.Conn.Write(b)
	if len(c.ending) > 0 {
		now := record.Now()
		for _, call := range c.ending {
			call.sent(now)
		}
		clear(c.ending)
		c.ending = c.ending[:0]
	}
	return n, err
}

// Read stamps as soon as the system call has returned.
func (c *clientConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.arriving(b[:n], record.Now())
	}
	return n, err
}

func (c *clientConn) leaving(b []byte) {
	for {
		payload := c.out.Inside
		n, edge := c.out.Next(b)
		if payload && c.out.Head.IsBlock() {
			// grpc-go neither pads its header blocks nor gives them a priority. An
			// error here means that calls are not found from now on, and that their
			// timelines lack the client's stages.
			_, _ = c.header.Write(b[:n])
		}
		switch edge {
		case frames.Ended:
			c.left(c.out.Head)
		case frames.NoEdge:
			return
		}
		b = b[n:]
	}
}

// left is called with each frame that is about to leave as a whole.
func (c *clientConn) left(f frames.Head) {
	if f.EndsBlock() && c.header.Close() == nil {
		c.open(f.Stream)
	}
	if f.Kind == http2.FrameRSTStream {
		c.take(f.Stream)
	}
	if call := c.call(f.Stream); call != nil {
		call.rec.AddIn(f.Size())
		if f.Ends() {
			c.ending = append(c.ending, call)
		}
	}
}

// open joins a new stream with the call that it belongs to.
func (c *clientConn) open(stream uint32) {
	parent := c.parent
	c.parent = ""
	found, _ := c.o.calls.Load(parent)
	call, ok := found.(*InFlight)
	if !ok {
		return // it is not one of ours
	}
	begin, ready := call.begin, c.ready.Load()
	if begin < ready {
		call.rec.BeginAt(stages.ClientDial, begin)
		call.rec.EndAt(stages.ClientDial, ready)
		begin = ready
	}
	call.rec.BeginAt(stages.ClientSend, begin)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls[stream] = call
}

func (c *clientConn) arriving(b []byte, stamp int64) {
	for {
		n, edge := c.in.Next(b)
		switch edge {
		case frames.Ended:
			c.arrived(c.in.Head, stamp)
		case frames.NoEdge:
			return
		}
		b = b[n:]
	}
}

// arrived is called with each frame that was whole by the given stamp.
func (c *clientConn) arrived(f frames.Head, stamp int64) {
	if f.Kind == http2.FrameSettings && !f.Flags.Has(http2.FlagSettingsAck) {
		c.ready.CompareAndSwap(0, stamp)
	}
	call := c.call(f.Stream)
	if call == nil {
		return
	}
	call.rec.AddOut(f.Size())
	ends := f.Ends() || f.Kind == http2.FrameRSTStream
	if ends || f.Kind == http2.FrameData {
		call.sent(stamp) // it was, even if our own Write has not returned yet
	}
	if ends {
		c.take(f.Stream)
		call.rec.BeginAt(stages.ClientRecv, stamp)
	}
}

func (c *clientConn) call(stream uint32) *InFlight {
	if stream == 0 {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls[stream]
}

func (c *clientConn) take(stream uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.calls, stream)
}
