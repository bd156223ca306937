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

// clientConn follows the HTTP/2 frames of one connection in both directions, and stamps the
// calls that they belong to. It changes nothing.
type clientConn struct {
	net.Conn
	observer *Observer

	// Fields of the writing side. grpc-go writes from one goroutine at a time.
	out    frames.Counter
	header *hpack.Decoder // decodes every header block, as HPACK requires
	parent string         // the traceparent in the header block that is being decoded
	ending []*InFlight    // the calls whose request ends in the bytes that are being written

	// Fields of the reading side, which is one goroutine.
	in    frames.Counter
	ready atomic.Int64 // when the server's SETTINGS were read: from then on the connection carries calls

	mu    sync.Mutex
	calls map[uint32]*InFlight // by stream ID
}

// newClientConn wraps conn for the transport.
func newClientConn(conn net.Conn, o *Observer) *clientConn {
	c := &clientConn{Conn: conn, observer: o, out: frames.AfterPreface(), calls: make(map[uint32]*InFlight)}
	c.header = hpack.NewDecoder(4096, func(f hpack.HeaderField) {
		if f.Name == HeaderTraceParent {
			c.parent = f.Value
		}
	})
	// The server chooses the size of the table, and the encoder announces it in a header block.
	c.header.SetAllowedMaxDynamicTableSize(math.MaxUint32)
	return c
}

// Write implements net.Conn. It notes the frames before they are written, because the reply may
// be read before Write returns, and stamps the end of sending after the system call.
func (c *clientConn) Write(b []byte) (int, error) {
	c.noteOutgoing(b)
	n, err := c.Conn.Write(b)
	if len(c.ending) > 0 {
		now := record.Now()
		for _, call := range c.ending {
			call.endSend(now)
		}
		clear(c.ending)
		c.ending = c.ending[:0]
	}
	return n, err
}

// Read implements net.Conn. It stamps as soon as the system call has returned.
func (c *clientConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.noteIncoming(b[:n], record.Now())
	}
	return n, err
}

// noteOutgoing follows the frames in b, which are about to be written.
func (c *clientConn) noteOutgoing(b []byte) {
	for {
		payload := c.out.InPayload
		n, edge := c.out.Next(b)
		if payload && c.out.Head.IsBlock() {
			// grpc-go's header blocks have neither padding nor priority. After an error, calls
			// are not found, and their timelines lack the client's stages.
			_, _ = c.header.Write(b[:n])
		}
		switch edge {
		case frames.Ended:
			c.endOutgoing(c.out.Head)
		case frames.NoEdge:
			return
		}
		b = b[n:]
	}
}

// endOutgoing notes a frame that is about to be written to its end.
func (c *clientConn) endOutgoing(f frames.Head) {
	if f.EndsBlock() && c.header.Close() == nil {
		c.open(f.Stream)
	}
	if f.Kind == http2.FrameRSTStream {
		c.remove(f.Stream)
	}
	if call := c.call(f.Stream); call != nil {
		call.rec.AddIn(f.Size())
		if f.Ends() {
			c.ending = append(c.ending, call)
		}
	}
}

// open finds the call that a new stream belongs to.
func (c *clientConn) open(stream uint32) {
	parent := c.parent
	c.parent = ""
	found, _ := c.observer.calls.Load(parent)
	call, ok := found.(*InFlight)
	if !ok {
		return // not an observed call
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

// noteIncoming follows the frames in b, which were read at the stamp.
func (c *clientConn) noteIncoming(b []byte, stamp int64) {
	for {
		n, edge := c.in.Next(b)
		switch edge {
		case frames.Ended:
			c.endIncoming(c.in.Head, stamp)
		case frames.NoEdge:
			return
		}
		b = b[n:]
	}
}

// endIncoming notes a frame that was read to its end at the stamp.
func (c *clientConn) endIncoming(f frames.Head, stamp int64) {
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
		call.endSend(stamp) // the request is written, even if Write has not returned yet
	}
	if ends {
		c.remove(f.Stream)
		call.rec.BeginAt(stages.ClientRecv, stamp)
	}
}

// call returns the call on a stream, or nil.
func (c *clientConn) call(stream uint32) *InFlight {
	if stream == 0 {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls[stream]
}

func (c *clientConn) remove(stream uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.calls, stream)
}
