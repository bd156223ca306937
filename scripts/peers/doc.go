// Package peers is the module of the programs that GlassKV is compared with.
// They stand in a module of their own so that nothing of theirs, real etcd
// above all, can end up in the product:
//
//	etcd      real etcd, embedded, as a process with two flags
//	limit     the least that a durable put can cost on this machine
//	otlpsink  a receiver for traces that only counts
//	compat    tests: either server opens the other's data directory
//	diff      tests: etcdctl cannot tell the servers apart
//	clients   tests: etcd's Go client, grpcurl, curl and Node's client at work
//
// etcd's own command line client is a tool of this module:
//
//	go tool -C scripts/peers etcdctl --endpoints 127.0.0.1:2379 put greeting hello
//
// Each program listens on the loopback address it is told, prints "ready" and
// the address on standard output when it serves, and stops on SIGTERM.
package peers
