package compat

import "testing"

// One server writes, the other opens what it left, finds all of it and writes
// on; then the first opens that again. Whether the first one was stopped or
// killed makes no difference.
func TestDataDirectoriesSwap(t *testing.T) {
	for _, pair := range [][2]string{{glasskv, etcd}, {etcd, glasskv}} {
		for how, end := range map[string]func(*running){"stopped": (*running).stop, "killed": (*running).kill} {
			first, second := pair[0], pair[1]
			t.Run(first+" "+how+", then "+second, func(t *testing.T) {
				m := newMember(t)

				r := m.start(t, first)
				fill(t, r, first)
				written := read(t, r)
				end(r)

				r = m.start(t, second)
				same(t, second+" on what "+first+" wrote", written, read(t, r))
				fill(t, r, second)
				written = read(t, r)
				end(r)

				r = m.start(t, first)
				same(t, first+" again, on what "+second+" wrote", written, read(t, r))
				r.stop()
			})
		}
	}
}

// The same requests lead either server to the same store: every key has the
// revision, the version and the lease that it would have had in the other.
func TestTheSameStoryHasTheSameResult(t *testing.T) {
	var contents []content
	for _, server := range []string{glasskv, etcd} {
		r := newMember(t).start(t, server)
		fill(t, r, "story")
		got := read(t, r)
		for _, kv := range got.Kvs {
			kv.Lease = min(kv.Lease, 1) // the server makes the ID up
		}
		got.Cluster, got.Member = 0, 0 // they follow from the addresses
		contents = append(contents, got)
		r.stop()
	}
	same(t, etcd+" after the same requests as "+glasskv, contents[0], contents[1])
}
