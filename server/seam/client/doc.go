// Package client makes a gRPC client's own stages part of its requests' timelines. It
// needs nothing of the server, so that a client that is observed does not link one.
package client
