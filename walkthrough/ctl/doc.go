// Package ctl holds the commands that talk to a running server: put, get, del,
// txn, compact and lease, with the flags and the output of etcdctl.
//
//	command.go         what all of them share: endpoints, timeouts, one run
//	put.go … lease.go  a file a command: its flags, made into a request
//	txn_language.go    what txn reads from its input
//	words.go           a line of it, cut into words
//	print*.go          replies as etcdctl prints them: simple, fields, json
//	security.go        TLS: its flags and variables
//	way_out.go         errors, with what to do about them
//	way_out_tls.go     and those of TLS
//	traced.go          --trace: the same request, with its timeline
//
// Without --trace a command is an ordinary gRPC client in which no tracing code
// runs. With --trace the request is made by a client whose own stages are in the
// timeline, and the server's part is fetched from the server's trace endpoint.
package ctl
