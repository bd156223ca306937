package etcdserver

import "testing"

// Small entries stay until they are too many, large ones until they are too much.
func TestCatchUpIsBoundedInBytes(t *testing.T) {
	var c catchUp
	for index := uint64(1); index <= 100; index++ {
		c.applied(maxCatchUpBytes / 1000)
		if dropTo := c.endRun(index); dropTo != 0 {
			t.Fatalf("at %d, entries up to %d must go although there is room", index, dropTo)
		}
	}
	c.compact(50)
	if len(c.runs) != 51 || c.bytes != 51*(maxCatchUpBytes/1000) {
		t.Errorf("after the first 49 are forgotten: %d runs of %d bytes", len(c.runs), c.bytes)
	}
	for index := uint64(101); index <= 110; index++ {
		c.applied(maxCatchUpBytes / 4)
		dropTo := c.endRun(index)
		if c.bytes > maxCatchUpBytes {
			t.Errorf("at %d, %d bytes are kept", index, c.bytes)
		}
		if index > 105 && dropTo != index-4 {
			t.Errorf("at %d, entries up to %d must go; want %d", index, dropTo, index-4)
		}
	}
	// One that is larger than all room is kept: it was applied just now.
	c.applied(2 * maxCatchUpBytes)
	if dropTo := c.endRun(111); dropTo != 110 || len(c.runs) != 1 {
		t.Errorf("with one huge entry, up to %d must go and %d runs stay", dropTo, len(c.runs))
	}
}
