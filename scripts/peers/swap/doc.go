// Package swap lets GlassKV and real etcd take turns on one data directory while
// clients read and write: each server goes on, after a stop or a kill, with what
// the other has left. One order of all requests must explain every reply, as if
// it had been one server all the time.
//
// The history is made and judged by scripts/linear of the main module, which can
// be run by hand for longer:
//
//	go run ./scripts/linear -servers glasskv,etcd -cycles 100
package swap
