// Package clients lets the clients that people use for etcd talk to GlassKV,
// and to real etcd for comparison: what a story expects must hold for both.
//
//	server_test.go       a server for each story
//	client_test.go       etcd's Go client: retries, watches and leases over a restart
//	concurrency_test.go  its mutex, election and software transactions
//	layers_test.go       what it puts on top: namespaces, leasing, mirrors, ordering, naming
//	grpcurl_test.go      grpcurl, which knows nothing but what reflection tells
//	curl_test.go         curl, through the gateway and for the plain pages
//	node_test.go         Node's gRPC client, with the code in the folder node
//
// curl and Node are not part of every machine: the stories are skipped where
// one is missing, and fail in CI.
package clients
