package screen

import (
	"math"
	"strconv"
)

// unit is a unit of time and its length in nanoseconds.
type unit struct {
	name string
	ns   float64
}

var units = []unit{{"ns", 1}, {"µs", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"min", 60e9}, {"h", 3600e9}}

// Duration formats nanoseconds with three significant digits in the unit that fits:
// "302 µs", "1.14 ms". Below one microsecond it writes whole nanoseconds.
func Duration(ns int64) string {
	if ns < 0 {
		return "-" + Duration(-ns)
	}
	if ns < 1000 {
		return strconv.FormatInt(ns, 10) + " ns"
	}
	u := unitFor(float64(ns))
	return significant(float64(ns)/u.ns) + " " + u.name
}

// unitFor returns the largest unit in which the value, rounded to three
// digits, is at least one.
func unitFor(ns float64) unit {
	u := units[0]
	for _, next := range units[1:] {
		if ns < next.ns*0.9995 {
			break
		}
		u = next
	}
	return u
}

// significant formats a positive number with three significant digits, or with more
// if its integer part has more; never with an exponent.
func significant(v float64) string {
	switch {
	case v < 9.995:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case v < 99.95:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 0, 64)
}

// Percent formats a share between 0 and 1 with one decimal: "26.5 %". A share above
// 0 is never written as zero, and a share below 1 never as 100.
func Percent(share float64) string {
	p := share * 100
	switch {
	case p <= 0:
		return "0 %"
	case p < 0.05:
		return "<0.1 %"
	case p >= 100:
		return "100 %"
	}
	return strconv.FormatFloat(math.Min(p, 99.9), 'f', 1, 64) + " %"
}

// RoundPercent formats a share between 0 and 1 without decimals, for a sentence:
// "26 %". As in Percent, only 0 is written as zero and only 1 as 100.
func RoundPercent(share float64) string {
	p := math.Round(share * 100)
	if p == 0 && share > 0 {
		return "<1 %"
	}
	if p == 100 && share < 1 {
		return ">99 %"
	}
	return strconv.FormatFloat(p, 'f', 0, 64) + " %"
}

// Bytes formats a size: "256 B", "1.50 MiB".
func Bytes(n int64) string {
	if n < 1024 {
		return strconv.FormatInt(n, 10) + " B"
	}
	v := float64(n)
	for _, name := range []string{"KiB", "MiB", "GiB"} {
		v /= 1024
		if v < 1023.5 || name == "GiB" {
			return significant(v) + " " + name
		}
	}
	return ""
}

// Ticks returns where to mark an axis from 0 to span, both in nanoseconds, and the
// label of each mark: 0 and at most n further multiples of a step, which is 1, 2 or
// 5 times a power of ten. The last label has the unit.
func Ticks(span int64, n int) (at []int64, labels []string) {
	if span <= 0 || n < 1 {
		return []int64{0}, []string{"0"}
	}
	u := unitFor(float64(span))
	step := roundStep(float64(span) / u.ns / float64(n))
	if u.ns == 1 {
		step = math.Max(1, step)
	}
	decimals := max(0, -int(math.Floor(math.Log10(step)+1e-9)))
	for i := 0; ; i++ {
		ns := int64(math.Round(float64(i) * step * u.ns))
		if ns > span {
			break
		}
		label := strconv.FormatFloat(float64(i)*step, 'f', decimals, 64)
		if i == 0 {
			label = "0"
		}
		at, labels = append(at, ns), append(labels, label)
	}
	labels[len(labels)-1] += " " + u.name
	return at, labels
}

// roundStep returns the smallest number that is at least v and is 1, 2 or 5 times a
// power of ten.
func roundStep(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= v*(1-1e-9) {
			return m * power
		}
	}
	return 10 * power
}
