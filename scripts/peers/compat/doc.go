// Package compat tests that GlassKV and real etcd share a format on disk: each opens
// a data directory that the other has written, finds everything in it, and writes on.
package compat
