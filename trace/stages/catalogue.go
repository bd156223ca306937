package stages

import (
	"path"
	"slices"
	"strings"
)

// Spec is what the code knows of a stage. What people are told of it is the front
// matter of its chapter (walkthrough/chapter).
type Spec struct {
	Stage    Stage
	Name     string // the span name; programs rely on it
	Parent   Stage  // what it sits inside; None at the top. GRPCHandler stands for any handler, TxnPut for any txn stage.
	Scope    Scope
	Kind     Kind
	Upstream Symbol // the function that does the work
	Seam     string // the file of ours that observes it; "" for a stage that this build never shows
	Begin    EdgeSpec
	End      EdgeSpec
	// Waits marks a stage whose function mostly waits for its children. Its own
	// time before the first child began is work; any later own time is
	// unexplained, because a wait does not say what it waited for.
	Waits  bool
	Hold   HoldScope // whether a request can be held where the stage begins; empty: it cannot
	Metric string    // the Prometheus metric of a real etcd that shows the same, or ""
	Next   []Symbol  // what to read next, one to three
}

// EdgeSpec says how one edge of a stage is stamped.
type EdgeSpec struct {
	Edge    Edge
	ErrorNS int64 // the known error of a near edge, median, in nanoseconds
}

// HoldScope says who waits while a request is held where a stage begins. It is empty
// for a stage at which nothing can be held: its edge is inferred, or lies inside a
// function that runs unmodified, or on the goroutine that reads or writes a connection,
// where a hold would stop all of the connection's requests.
type HoldScope string

// The scopes of a hold.
const (
	HoldRequest HoldScope = "request" // the request alone: the wait is on its own goroutine
	HoldShared  HoldScope = "shared"  // all requests that need the same goroutine: the raft loop, apply, or the read loop
)

// The edges of the catalogue. Near is known up to a median error in nanoseconds.
var (
	exact    = EdgeSpec{Edge: Exact}
	inferred = EdgeSpec{Edge: Inferred}
)

func near(errorNS int64) EdgeSpec { return EdgeSpec{Near, errorNS} }

// StandardLibrary is the value of Symbol.Module for a function of the standard library.
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

// Path returns the symbol with its whole import path:
// "google.golang.org/grpc.(*Server).handleRawConn".
func (s Symbol) Path() string { return s.Package + "." + s.Name }

// The modules whose functions the catalogue names, each in the version that go.mod
// requires.
const (
	gatewayModule   = "github.com/grpc-ecosystem/grpc-gateway/v2"
	cmuxModule      = "github.com/soheilhy/cmux"
	bboltModule     = "go.etcd.io/bbolt"
	apiModule       = "go.etcd.io/etcd/api/v3"
	clientPkgModule = "go.etcd.io/etcd/client/pkg/v3"
	clientModule    = "go.etcd.io/etcd/client/v3"
	pkgModule       = "go.etcd.io/etcd/pkg/v3"
	serverModule    = "go.etcd.io/etcd/server/v3"
	raftModule      = "go.etcd.io/raft/v3"
	grpcModule      = "google.golang.org/grpc"
	protobufModule  = "google.golang.org/protobuf"
)

// pkg is a package: its module, and where it lies in the module.
type pkg struct{ module, path string }

// The packages whose functions the catalogue names.
var (
	tls     = pkg{StandardLibrary, "crypto/tls"}
	net     = pkg{StandardLibrary, "net"}
	http    = pkg{StandardLibrary, "net/http"}
	runtime = pkg{StandardLibrary, "runtime"}

	gateway      = pkg{gatewayModule, "runtime"}
	cmux         = pkg{cmuxModule, ""}
	bbolt        = pkg{bboltModule, ""}
	gatewayStubs = pkg{apiModule, "etcdserverpb/gw"}
	fileutil     = pkg{clientPkgModule, "fileutil"}
	concurrency  = pkg{clientModule, "concurrency"}

	schedule = pkg{pkgModule, "schedule"}
	wait     = pkg{pkgModule, "wait"}

	auth       = pkg{serverModule, "auth"}
	embed      = pkg{serverModule, "embed"}
	etcdserver = pkg{serverModule, "etcdserver"}
	membership = pkg{serverModule, "etcdserver/api/membership"}
	rafthttp   = pkg{serverModule, "etcdserver/api/rafthttp"}
	v3alarm    = pkg{serverModule, "etcdserver/api/v3alarm"}
	v3election = pkg{serverModule, "etcdserver/api/v3election"}
	v3lock     = pkg{serverModule, "etcdserver/api/v3lock"}
	v3rpc      = pkg{serverModule, "etcdserver/api/v3rpc"}
	apply      = pkg{serverModule, "etcdserver/apply"}
	read       = pkg{serverModule, "etcdserver/read"}
	txn        = pkg{serverModule, "etcdserver/txn"}
	lease      = pkg{serverModule, "lease"}
	backend    = pkg{serverModule, "storage/backend"}
	mvcc       = pkg{serverModule, "storage/mvcc"}
	schema     = pkg{serverModule, "storage/schema"}
	wal        = pkg{serverModule, "storage/wal"}

	raft    = pkg{raftModule, ""}
	quorum  = pkg{raftModule, "quorum"}
	tracker = pkg{raftModule, "tracker"}

	grpc        = pkg{grpcModule, ""}
	credentials = pkg{grpcModule, "credentials"}
	protoCodec  = pkg{grpcModule, "encoding/proto"}
	transport   = pkg{grpcModule, "internal/transport"}
	status      = pkg{grpcModule, "status"}
	tap         = pkg{grpcModule, "tap"}

	proto = pkg{protobufModule, "proto"}
)

func (p pkg) symbol(name string) Symbol {
	if p.module == StandardLibrary {
		return Symbol{p.module, p.path, name}
	}
	return Symbol{p.module, path.Join(p.module, p.path), name}
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

// ByName finds a stage by its span name.
func ByName(name string) (Stage, bool) {
	s, ok := catalogue.byName[name]
	return s, ok
}

// NearestHoldable returns the stage nearest to s on the path at which a request can
// be held: s itself if it can be held, of two equally near ones the earlier.
func NearestHoldable(s Stage) Stage {
	for away := Stage(0); away < NumStages; away++ {
		if away < s && SpecOf(s-away).Hold != "" {
			return s - away
		}
		if SpecOf(s+away).Hold != "" {
			return s + away
		}
	}
	return None
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

func buildCatalogue() *index {
	ix := &index{byName: make(map[string]Stage, NumStages)}
	for _, spec := range slices.Concat(wayIn, handlers, cluster, wayOut) {
		ix.specs[spec.Stage] = spec
		ix.byName[spec.Name] = spec.Stage
	}
	return ix
}

// packageName returns the name by which an import path's package is used: "raft" for
// "go.etcd.io/raft/v3".
func packageName(importPath string) string {
	dir, base := path.Split(importPath)
	if dir != "" && majorVersion(base) {
		return path.Base(dir)
	}
	return base
}

// majorVersion reports whether an element of an import path is a major version: "v3",
// not "v3rpc".
func majorVersion(element string) bool {
	digits, ok := strings.CutPrefix(element, "v")
	return ok && digits != "" && strings.Trim(digits, "0123456789") == ""
}
