// Package v3rpc is the gRPC face of the server: what stands between a decoded
// request and the raft side of GlassKV.
//
// A request meets the files in this order:
//
//	interceptor.go   is there a leader, if the client insists on one?
//	key.go           the KV handlers: check, quota, hand on, map the error, fill the header
//	check.go         requests refused before they cost anything
//	intervals.go     the one check that takes thought: a txn must not touch a key twice
//	quota.go         no write is proposed that the backend has no room for
//	range_stream.go  a range in chunks
//	watch.go         one stream, many watchers, two goroutines:
//	  watch_recv.go      takes the client's requests
//	  watch_send.go      sends what the store has for its watchers
//	  watch_response.go  makes the messages
//	  watch_progress.go  tells watchers how far they are
//	lease*.go        leases, and the stream that keeps them alive
//	maintenance*.go  the service about one member: its state, its file, who leads
//	member.go        the members of the cluster
//	auth.go          users and roles, which are kept and not enforced
//	error.go         every error becomes a gRPC status here and nowhere else
//	header.go        the four numbers that every reply carries
//	grpc.go          which service is served by what, health included
//
// Upstream is go.etcd.io/etcd/server/v3/etcdserver/api/v3rpc, and the names
// are the same as there. What differs: the raft side is known here only by the
// small interfaces that the handlers declare. Only the handlers of watch and
// keep-alive streams start a goroutine, to receive while they wait for something
// else; seams.go says where the former can be wrapped.
package v3rpc
