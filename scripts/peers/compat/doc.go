// Package compat holds GlassKV against real etcd: each opens a data directory
// that the other has written, finds everything in it, and writes on.
//
//	compat_test.go  the stories
//	server_test.go  either server, with a client
//	data_test.go    what is written and what must be found
package compat
