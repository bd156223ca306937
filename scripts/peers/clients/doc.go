// Package clients runs the clients that people use with etcd against GlassKV and
// against real etcd. What a story expects must hold for both.
//
//	server_test.go    a server for each story
//	client_test.go    etcd's Go client and its packages: concurrency, namespace, leasing, mirror, ordering, naming
//	programs_test.go  curl, grpcurl, and Node's gRPC client with the code in the folder node
//
// Not every machine has curl and Node. Without them their stories are skipped, and
// fail in CI.
package clients
