package serve

import (
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
			r.Body = http.MaxBytesReader(w, r.Body, limit)
			// A writer that knows no deadlines is not a connection, and then
			// there is nothing that could be slow.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout))
		}
		next.ServeHTTP(w, r)
	})
}
