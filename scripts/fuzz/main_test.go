package main

import (
	"slices"
	"testing"
)

// What "go test -list" prints names the functions first and their package
// after them; packages without tests come in between.
func TestParse(t *testing.T) {
	list := "FuzzFrames\nFuzzEntry\nok  \tglasskv/server/seam\t0.012s\n" +
		"?   \tglasskv/scripts/fuzz\t[no test files]\n" +
		"ok  \tglasskv/server/serve\t0.004s\n" +
		"FuzzRead\nok  \tglasskv/trace\t(cached)\n"
	want := []target{
		{"glasskv/server/seam", "FuzzFrames"}, {"glasskv/server/seam", "FuzzEntry"}, {"glasskv/trace", "FuzzRead"},
	}
	if got := parse([]byte(list)); !slices.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
}
