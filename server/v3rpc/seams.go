package v3rpc

import (
	"context"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/storage/mvcc"
)

// Seams are the places of the handlers where behaviour can be wrapped without
// editing them. A nil field leaves the plain part alone, so the zero value is
// the plain server.
type Seams struct {
	// Watch wraps the work of one watch stream's send loop. It is called once
	// for each stream, with the stream's context, before the loop begins. What it
	// returns is used by the loop's goroutine only.
	Watch func(ctx context.Context, loop WatchLoop) WatchLoop
}

// WatchLoop is what the send loop of a watch stream does, over and over. It
// stands for the two halves of sendLoop's body upstream.
type WatchLoop interface {
	// Next waits until there is something to send. The error is the one that the
	// stream ends with.
	Next() (WatchMessage, error)
	// Send sends a message that Next returned, or keeps it back when it is for a
	// watcher that the client has not been told of. The error ends the stream.
	Send(m WatchMessage) error
}

// WatchMessage is one thing for the send loop to do: an answer to the client,
// or what the store has for one of the watchers.
type WatchMessage struct {
	// Control answers a request of the client; nil when the message is from the
	// store.
	Control *pb.WatchResponse
	// Response is from the store: events, the progress of a watcher that has
	// none, or the end of one whose revision has been compacted.
	Response mvcc.WatchResponse

	watcher watcher         // of the watcher that Control announces
	done    chan<- struct{} // closed when Control has been dealt with; may be nil
}
