package trace

import (
	"strings"
	"testing"
)

func TestATraceParentIsReadAsItWasWritten(t *testing.T) {
	for range 1000 {
		id, span := NewIDs()
		for _, sampled := range []bool{true, false} {
			gotID, gotSpan, gotSampled, ok := ParseTraceParent(FormatTraceParent(id, span, sampled))
			if !ok || gotID != id || gotSpan != span || gotSampled != sampled {
				t.Fatalf("%v %x %v became %v %x %v (%v)", id, span, sampled, gotID, gotSpan, gotSampled, ok)
			}
		}
		if got, err := ParseTraceID(id.String()); err != nil || got != id {
			t.Fatalf("%v became %v, %v", id, got, err)
		}
		if got := ParseSpanID(FormatSpanID(span)); got != span {
			t.Fatalf("%x became %x", span, got)
		}
	}
}

func TestTraceParentsThatAreNone(t *testing.T) {
	const good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	for name, bad := range map[string]string{
		"empty":            "",
		"short":            good[:54],
		"long":             good + "0",
		"long, version 00": good + "-ff",
		"capitals":         strings.ToUpper(good),
		"version ff":       "ff" + good[2:],
		"zero trace":       "00-00000000000000000000000000000000-b7ad6b7169203331-01",
		"zero span":        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
		"no digits":        "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01",
		"no dashes":        strings.ReplaceAll(good, "-", "0"),
	} {
		if _, _, _, ok := ParseTraceParent(bad); ok {
			t.Errorf("%s: %q was taken", name, bad)
		}
	}
	if _, _, sampled, ok := ParseTraceParent("cc" + good[2:] + "-later"); !ok || !sampled {
		t.Error("a later version was not read as far as it is known")
	}
}

func FuzzTraceParent(f *testing.F) {
	f.Add("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	f.Fuzz(func(t *testing.T, header string) {
		id, span, sampled, ok := ParseTraceParent(header)
		if !ok {
			return
		}
		again, s, flag, ok := ParseTraceParent(FormatTraceParent(id, span, sampled))
		if !ok || again != id || s != span || flag != sampled {
			t.Fatalf("%q", header)
		}
	})
}

func TestChildIDsDiffer(t *testing.T) {
	seen := make(map[uint64]int)
	for i := range 100_000 {
		id := ChildID(42, i)
		if before, taken := seen[id]; taken || id == 0 {
			t.Fatalf("%d and %d have the ID %x", before, i, id)
		}
		seen[id] = i
	}
}
