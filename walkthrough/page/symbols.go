package page

import (
	"sync"

	"glasskv/trace"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/lang"
)

// named reports whether a chapter or the catalogue names a symbol. No other source
// is shown: an address is no way to read files.
func named(symbol string) bool { return symbols()[symbol] }

var symbols = sync.OnceValue(func() map[string]bool {
	all := make(map[string]bool)
	for _, spec := range trace.Specs() {
		all[spec.Upstream.Package+"."+spec.Upstream.Name] = true
		for _, next := range spec.Next {
			all[next] = true
		}
	}
	for _, c := range chapter.All(lang.EN) { // the other language has the same
		for _, b := range c.Blocks {
			if b.Source != nil {
				all[b.Source.Symbol] = true
			}
		}
		for _, j := range c.Jumps {
			all[j.Target] = true
		}
	}
	return all
})
