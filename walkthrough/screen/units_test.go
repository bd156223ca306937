package screen

import (
	"strings"
	"testing"
	"time"
)

func TestDurationsHaveThreeDigitsInTheUnitThatFits(t *testing.T) {
	for ns, want := range map[int64]string{
		0: "0 ns", 7: "7 ns", 999: "999 ns", 1000: "1.00 µs", 12_345: "12.3 µs", 99_960: "100 µs",
		302_400: "302 µs", 999_499: "999 µs", 999_600: "1.00 ms", 1_140_000: "1.14 ms",
		int64(59900 * time.Millisecond): "59.9 s", int64(90 * time.Minute): "1.50 h", -5000: "-5.00 µs",
	} {
		if got := Duration(ns); got != want {
			t.Errorf("Duration(%d) = %q, want %q", ns, got, want)
		}
	}
}

func TestNoDurationIsWiderThanItsColumn(t *testing.T) {
	for ns := int64(1); ns < int64(900*time.Hour); ns = ns*10/9 + 1 {
		if text := Duration(ns); Width(text) > 8 {
			t.Fatalf("Duration(%d) = %q is %d columns wide", ns, text, Width(text))
		}
	}
}

func TestASmallShareIsNotCalledZeroNorAnAlmostWholeOneWhole(t *testing.T) {
	for share, want := range map[float64]string{0: "0 %", 1e-9: "<0.1 %", 0.0056: "0.6 %", 0.265: "26.5 %", 0.9999: "99.9 %", 1: "100 %"} {
		if got := Percent(share); got != want {
			t.Errorf("Percent(%v) = %q, want %q", share, got, want)
		}
	}
	for share, want := range map[float64]string{0: "0 %", 0.001: "<1 %", 0.264: "26 %", 0.9999: ">99 %", 1: "100 %"} {
		if got := RoundPercent(share); got != want {
			t.Errorf("RoundPercent(%v) = %q, want %q", share, got, want)
		}
	}
}

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1536: "1.50 KiB", 1_600_000: "1.53 MiB", 5 << 30: "5.00 GiB", 1 << 50: "1048576 GiB"} {
		if got := Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestTicksAreRoundAndWithinTheSpan(t *testing.T) {
	for span := int64(1); span < int64(1000*time.Hour); span = span*7/5 + 1 {
		for n := 1; n < 20; n++ {
			at, labels := Ticks(span, n)
			if len(at) != len(labels) || len(at) > n+1 {
				t.Fatalf("Ticks(%d, %d): %d times, %d labels", span, n, len(at), len(labels))
			}
			for i, ns := range at {
				if ns > span || i > 0 && ns <= at[i-1] {
					t.Fatalf("Ticks(%d, %d) = %v", span, n, at)
				}
			}
			if last := labels[len(labels)-1]; len(at) > 1 && !strings.Contains(last, " ") {
				t.Fatalf("Ticks(%d, %d): the last label %q has no unit", span, n, last)
			}
		}
	}
	_, labels := Ticks(1_140_000, 6)
	if got := strings.Join(labels, "|"); got != "0|0.2|0.4|0.6|0.8|1.0 ms" {
		t.Errorf("labels of 1.14 ms: %s", got)
	}
}
