package stages

import "strings"

// Spec is all that is known of a stage. The server, the timeline, explain, the
// docs and the tests read it from here and nowhere else.
type Spec struct {
	Stage    Stage
	Name     string // the span name; programs rely on it
	Parent   Stage  // what it sits inside; None at the top. GRPCHandler stands for any handler, TxnPut for any txn stage.
	Scope    Scope
	Kind     Kind
	Upstream Symbol // the function that does the work
	Seam     string // the file of ours that observes it, and where
	Absent   Pair   // instead of Seam: why this build never shows the stage
	Begin    EdgeSpec
	End      EdgeSpec
	// Waits marks a stage whose function mostly waits for its children. Its own
	// time before the first child began is work; any later own time is
	// unexplained, because a wait does not say what it waited for.
	Waits  bool
	Hold   HoldScope // whether a request can be held where the stage begins; empty: it cannot
	Metric string    // the Prometheus metric of a real etcd that shows the same, or ""
	Next   []string  // symbols to read next, as "import/path.Symbol"
	EN, ZH Text
}

// EdgeSpec says how one edge of a stage is stamped.
type EdgeSpec struct {
	Edge    Edge
	ErrorNS int64 // the known error of a near edge, median, in nanoseconds
}

// StandardLibrary stands in a Symbol in place of a module.
const StandardLibrary = "std"

// Symbol names a function of a module, in the version that go.mod names.
type Symbol struct {
	Module  string // module path, or StandardLibrary
	Package string // import path
	Name    string // "Func", "Type.Method" or "(*Type).Method"
}

// String writes the symbol as a reader knows it: "grpc.(*Server).handleRawConn".
func (s Symbol) String() string {
	if s.Name == "" {
		return ""
	}
	return packageName(s.Package) + "." + s.Name
}

// Pair is one sentence in both languages.
type Pair struct{ EN, ZH string }

// Text is what a stage says to people, in one language.
type Text struct {
	Note string // one plain sentence: what happens here; stands beside the bar
	What string // two to four sentences: what it is and why it exists
	How  string // how GlassKV sees it, and how exactly
	Slow string // what makes it slow
	Do   string // what to do about it
}

var catalogue = buildCatalogue()

// SpecOf returns the stage's entry in the catalogue. For None and for values
// outside the catalogue the entry is empty.
func SpecOf(s Stage) *Spec {
	if s >= NumStages {
		s = None
	}
	return &catalogue.specs[s]
}

// StageByName finds a stage by its span name.
func ByName(name string) (Stage, bool) {
	s, ok := catalogue.byName[name]
	return s, ok
}

// Specs returns every stage in the order of the path.
func Specs() []*Spec {
	all := make([]*Spec, 0, NumStages-1)
	for s := None + 1; s < NumStages; s++ {
		all = append(all, SpecOf(s))
	}
	return all
}

type index struct {
	specs  [NumStages]Spec
	byName map[string]Stage
}

// catalogueParts returns every spec, a file of them each, in the order of the
// path.
func catalogueParts() [][]Spec {
	return [][]Spec{
		clientStages, connStages, grpcStages, handlerStages,
		raftStages, readyStages, peerStages, walStages,
		applyStages, txnStages, mvccStages, readStages, replyStages,
		httpStages, acceptStages, rangeStreamStages, watchStages, leaseStages, lockStages, maintenanceStages,
		seamStages,
	}
}

func buildCatalogue() *index {
	ix := &index{byName: make(map[string]Stage, NumStages)}
	for _, part := range catalogueParts() {
		for _, spec := range part {
			spec.Hold = holdable[spec.Stage]
			ix.specs[spec.Stage] = spec
			ix.byName[spec.Name] = spec.Stage
		}
	}
	return ix
}

func packageName(path string) string {
	at := strings.LastIndexByte(path, '/')
	if at > 0 && majorVersion(path[at+1:]) {
		return packageName(path[:at])
	}
	return path[at+1:]
}

// majorVersion tells "v3" from "v3rpc".
func majorVersion(element string) bool {
	digits, ok := strings.CutPrefix(element, "v")
	return ok && digits != "" && strings.Trim(digits, "0123456789") == ""
}
