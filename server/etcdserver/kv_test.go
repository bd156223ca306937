package etcdserver

import "testing"

func TestPutThenGet(t *testing.T) {
	s := startServer(t, testConfig(t, t.TempDir()), Seams{})
	put(t, s, "greeting", "hello")
	wantGet(t, s, "greeting", "hello")
}
