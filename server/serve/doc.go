// Package serve turns a configuration into a running node: it listens, starts
// the raft side, puts a gRPC server in front of it, and takes all of that down
// again in the right order. Upstream this is go.etcd.io/etcd/server/v3/embed.
//
//	config.go     what a node is told, checked before anything is touched
//	seams.go      where a node can be wrapped
//	listen.go     the sockets; a port in use is found out before the data directory is opened
//	grpc.go       the gRPC server: its limits, its chain of interceptors, its services
//	node.go       Start, and what runs while a node does
//	stop.go       Stop: no new requests, then the running ones, then raft, then the files
//
// The client port speaks gRPC over clear HTTP/2 and nothing else. etcd shares
// that port with HTTP/1 by way of cmux; a gateway would go where the listeners
// are handed to grpc-go, in node.go.
package serve
