//go:build unix

package walk

import (
	"slices"
	"testing"
	"time"
)

// From a key that is typed to what the terminal is sent for it, through the kernel
// and with the real drawing: a reader goes along a request of 200 stages.
func BenchmarkKeyPressOnTerminal(b *testing.B) {
	tt := openTerminal(b, "long")
	tt.shows("1/200")
	took := make([]time.Duration, 0, b.N)
	for i := 0; b.Loop(); i++ {
		tt.quiet()
		begin := time.Now()
		tt.types(string("np"[i/199%2]))
		<-tt.more
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	tt.types("q")
	if err := tt.end(); err != nil {
		b.Error(err)
	}
}

// quiet waits until nothing has been written for a few frames: source that was read
// meanwhile is drawn then.
func (tt *terminal) quiet() {
	for {
		select {
		case <-tt.more:
		case <-time.After(50 * time.Millisecond):
			return
		}
	}
}
