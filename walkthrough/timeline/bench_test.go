package timeline

import (
	"io"
	"os"
	"strings"
	"testing"

	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/timelinetest"
)

// BenchmarkRender is what `glasskv serve --timeline` pays for a request.
func BenchmarkRender(b *testing.B) {
	story, err := os.ReadFile("testdata/put_shared")
	if err != nil {
		b.Fatal(err)
	}
	_, told, _ := strings.Cut(string(story), "\nrequest\n")
	told, _, _ = strings.Cut(told, "\n----")
	tl, err := timelinetest.Parse(told)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := Render(io.Discard, tl, Options{Options: screen.Options{Width: 120}}); err != nil {
			b.Fatal(err)
		}
	}
}
