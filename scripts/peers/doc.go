// Package peers is the module of the programs that GlassKV is compared with. They have
// a module of their own so that nothing of theirs, above all real etcd, can become
// part of the product:
//
//	etcd      real etcd, embedded, as a process with two flags
//	limit     the least that a durable put can cost on this machine
//	otlpsink  a receiver of traces that only counts them
//	compat    tests: either server opens the other's data directory
//	diff      tests: etcdctl cannot tell the servers apart
//	clients   tests: etcd's Go client, grpcurl, curl and Node's client use either server
//	swap      tests: the servers take turns on one data directory while clients write
//
// etcd's own command line client is a tool of this module:
//
//	go tool -C scripts/peers etcdctl --endpoints 127.0.0.1:2379 put greeting hello
//
// Each program listens on the loopback address of its flags, prints "ready" and the
// address on standard output when it serves, and stops on SIGTERM.
package peers
