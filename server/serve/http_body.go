package serve

import (
	"errors"
	"io"
	"net/http"
	"time"
)

const (
	// maxPageBodyBytes bounds the body of a request for a page; no page reads it.
	maxPageBodyBytes = 4 << 10

	// bodyTimeout bounds how long a body may take to arrive.
	bodyTimeout = time.Minute
)

// maxBodyBytes bounds the body of a request to the gateway: what gRPC would take
// as one message, in base64, and some JSON around it.
func maxBodyBytes(cfg *Config) int64 {
	message := int64(cfg.MaxRequestBytes) + grpcOverheadBytes
	return message/3*4 + grpcOverheadBytes
}

// limitBody bounds what a request may send. etcd has no such bound, so that a
// body without end is read into memory until there is none left.
func limitBody(limit int64, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > limit {
			w.Header().Set("Connection", "close")
			http.Error(w, "request body too large", http.StatusRequestEntityTooLarge)
			return
		}
		if r.ContentLength != 0 {
			r.Body = timedBody(w, http.MaxBytesReader(w, r.Body, limit))
		}
		next.ServeHTTP(w, r)
	})
}

// body is a request's body that must have come by a deadline.
type body struct {
	io.ReadCloser
	conn *http.ResponseController
}

// timedBody sets the deadline. A writer that knows of none is not a connection,
// and then there is nobody who could be slow.
func timedBody(w http.ResponseWriter, of io.ReadCloser) *body {
	b := &body{of, http.NewResponseController(w)}
	_ = b.conn.SetReadDeadline(time.Now().Add(bodyTimeout))
	return b
}

// Read lifts the deadline at the end of the body: from then on net/http reads to
// find out whether the client is still there, and a watch may take hours.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		_ = b.conn.SetReadDeadline(time.Time{})
	}
	return n, err
}
