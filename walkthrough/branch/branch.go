// Package branch is the catalogue of the branches that a request or a connection
// can take on grpc-go's server path: from an accept that fails to a stop that
// waits. Each one can be played (`glasskv demo NAME`), is explained (`glasskv
// explain NAME`) and has a story that holds what its timeline looks like.
//
//	branch.go       what is said of a branch; the whole catalogue in path order
//	connections.go  before there is a request
//	requests.go     from the stream to its handler
//	handlers.go     the kinds of calls, and what becomes of their handlers
//	limits.go       compression, sizes and windows
//	endings.go      pings, GOAWAY, and the end of the server
package branch

import (
	"slices"

	"glasskv/trace"
	"glasskv/walkthrough/lang"
)

// Branch is one way that the path can take.
type Branch struct {
	// Name is what demo and explain know it by.
	Name string
	// Upstream names the functions where it is decided, as
	// "import/path.Symbol", the most telling one first.
	Upstream []string
	// Stage is where the timeline shows it best; None where no stage does.
	Stage trace.Stage
	// Story is the script below server/seam/testdata/stories that plays it, without
	// its ending.
	Story  string
	EN, ZH Text
}

// Text is what a branch says to people, in one language.
type Text struct {
	Title  string // a few words; stands in lists
	What   string // what happens, and why
	Client string // what the client sees: the code first
	Look   string // what to look for in the timeline
}

// In returns the text in the reader's language.
func (b *Branch) In(l lang.Lang) Text {
	if l == lang.ZH {
		return b.ZH
	}
	return b.EN
}

// All returns the branches in the order of the path.
func All() []Branch {
	return slices.Concat(connections, requests, handlers, limits, endings)
}

// Find returns the branch of that name.
func Find(name string) (b Branch, ok bool) {
	all := All()
	at := slices.IndexFunc(all, func(b Branch) bool { return b.Name == name })
	if at < 0 {
		return Branch{}, false
	}
	return all[at], true
}

// The packages that the symbols lie in.
const (
	grpcServer = "google.golang.org/grpc.(*Server)."
	grpcPkg    = "google.golang.org/grpc."
	transport  = "google.golang.org/grpc/internal/transport."
	http2Side  = transport + "(*http2Server)."
	writer     = transport + "(*loopyWriter)."
)
