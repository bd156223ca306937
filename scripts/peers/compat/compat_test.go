package compat

import (
	"testing"

	"glasskv/scripts/peers/internal/twin"
)

// One server writes, the other opens what it left, finds all of it and writes
// on; then the first opens that again. Whether the first one was stopped or
// killed makes no difference.
func TestDataDirectoriesSwap(t *testing.T) {
	for _, pair := range [][2]string{{twin.GlassKV, twin.Etcd}, {twin.Etcd, twin.GlassKV}} {
		for how, end := range map[string]func(*running){
			"stopped": func(r *running) { r.Stop() }, "killed": func(r *running) { r.Kill() },
		} {
			first, second := pair[0], pair[1]
			t.Run(first+" "+how+", then "+second, func(t *testing.T) {
				m := twin.NewMember(t)

				r := start(t, m, first)
				fill(t, r, first)
				written := read(t, r)
				end(r)

				r = start(t, m, second)
				same(t, second+" on what "+first+" wrote", written, read(t, r))
				fill(t, r, second)
				written = read(t, r)
				end(r)

				r = start(t, m, first)
				same(t, first+" again, on what "+second+" wrote", written, read(t, r))
				r.Stop()
			})
		}
	}
}

// The same requests lead either server to the same store: every key has the
// revision, the version and the lease that it would have had in the other.
func TestTheSameStoryHasTheSameResult(t *testing.T) {
	var contents []content
	for _, server := range []string{twin.GlassKV, twin.Etcd} {
		r := start(t, twin.NewMember(t), server)
		fill(t, r, "story")
		got := read(t, r)
		for _, kv := range got.Kvs {
			kv.Lease = min(kv.Lease, 1) // the server makes the ID up
		}
		got.Cluster, got.Member = 0, 0 // they follow from the addresses
		contents = append(contents, got)
		r.Stop()
	}
	same(t, twin.Etcd+" after the same requests as "+twin.GlassKV, contents[0], contents[1])
}
