// Package swap tests that GlassKV and real etcd can take turns on one data directory
// while clients read and write: each server goes on, after a stop or a kill, with the
// data of the other. One order of all requests must explain every reply, as if there
// had been one server.
//
// The test runs scripts/linear of the main module, which can also run for longer:
//
//	go run ./scripts/linear -servers glasskv,etcd -cycles 100
package swap
