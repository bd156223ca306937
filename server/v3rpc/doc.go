// Package v3rpc holds the gRPC handlers: the code between a decoded request and
// the raft side of GlassKV.
//
// A request meets the files in this order:
//
//	recover.go       a handler's panic fails its request alone
//	interceptor.go   is there a leader, if the client insists on one?
//	key.go           the KV handlers: check, quota, call the raft side, fill the header
//	check.go         requests refused before they cost anything
//	quota.go         no write is proposed that the backend has no room for
//	watch.go         one stream, many watchers: takes the client's requests
//	watch_send.go    the stream's other goroutine: sends what the store has for its watchers
//	lease.go         leases, and the stream that keeps them alive
//	maintenance.go   the service about one member: its state, its file, which member leads
//	member.go        the members of the cluster
//	auth.go          users and roles, which are kept and not enforced
//	reply.go         the header of every reply, and the gRPC status for every error
//	grpc.go          which service is served by what, health included
//
// Upstream is go.etcd.io/etcd/server/v3/etcdserver/api/v3rpc, and the names are the
// same as there. One thing differs: the handlers know the raft side only by the
// small interfaces that they declare. Handlers of watch and keep-alive streams start
// a goroutine each, which receives while the handler waits for something else; no
// other handler starts one.
package v3rpc
