package record

import (
	"testing"

	"glasskv/trace/stages"
)

// BenchmarkStamp is the price of one stamp: read the clock, store it.
func BenchmarkStamp(b *testing.B) {
	r := new(Record)
	for b.Loop() {
		r.End(stages.Flush)
	}
}

// BenchmarkStage is the price of a whole stage: its begin and its end.
func BenchmarkStage(b *testing.B) {
	r := new(Record)
	for b.Loop() {
		r.Begin(stages.Flush)
		r.End(stages.Flush)
	}
}

// BenchmarkNotRecorded is what a request pays that is not recorded.
func BenchmarkNotRecorded(b *testing.B) {
	var r *Record
	for b.Loop() {
		r.Begin(stages.Flush)
		r.End(stages.Flush)
	}
}

// BenchmarkNow is the reading of the clock alone.
func BenchmarkNow(b *testing.B) {
	for b.Loop() {
		_ = Now()
	}
}
