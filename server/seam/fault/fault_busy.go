package fault

import (
	"runtime"
	"time"
)

// busySlice is how long a busy goroutine computes before it looks whether it is to
// stop and lets others have the processor. The runtime takes a processor away after
// ten milliseconds, so a shorter slice is a goroutine that is busy and not wicked.
const busySlice = 4 * time.Millisecond

// keepBusy starts the goroutines of a busy-processor. They end when the fault is
// switched off, or with the server.
func (f *Faults) keepBusy(one *active) {
	for range one.amount {
		f.busy.Go(func() {
			for {
				select {
				case <-one.off:
					return
				case <-f.stop:
					return
				default:
				}
				for begin := time.Now(); time.Since(begin) < busySlice; {
				}
				one.times.Add(1)
				runtime.Gosched()
			}
		})
	}
}
