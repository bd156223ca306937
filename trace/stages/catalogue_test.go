package stages

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Every stage of stage.go is declared in one of the catalogue's files, in one
// only, and under a name of its own.
func TestCatalogueDeclaresEveryStageOnce(t *testing.T) {
	times := make(map[Stage]int)
	names := make(map[string]Stage)
	for _, spec := range slices.Concat(wayIn, handlers, cluster, wayOut) {
		times[spec.Stage]++
		if other, taken := names[spec.Name]; taken {
			t.Errorf("%q names stage %d and stage %d", spec.Name, other, spec.Stage)
		}
		names[spec.Name] = spec.Stage
	}
	for s := None + 1; s < NumStages; s++ {
		if times[s] != 1 {
			t.Errorf("stage %d (after %q) is declared %d times", s, s-1, times[s])
		}
	}
	if len(times) != int(NumStages)-1 {
		t.Errorf("catalogue holds %d stages, stage.go has %d", len(times), NumStages-1)
	}
}

// The catalogue returns the stage that was asked for, by number and by name, and
// nothing if there is no such stage.
func TestCatalogueAnswersByNumberAndName(t *testing.T) {
	for i, spec := range Specs() {
		want := Stage(i + 1)
		if spec.Stage != want {
			t.Errorf("entry %d is of stage %d (%s)", want, spec.Stage, spec.Name)
		}
		if got, ok := ByName(spec.Name); !ok || got != want {
			t.Errorf("StageByName(%q) = %d, %t; want %d", spec.Name, got, ok, want)
		}
	}
	if name := NumStages.String(); name != "" {
		t.Errorf("a value outside the catalogue is called %q", name)
	}
	if s, ok := ByName("wal.sink"); ok {
		t.Errorf("no stage is called wal.sink, yet %d was found", s)
	}
}

// The ledger relies on parents that stand before their children, and programs
// rely on the words for scope, kind and edge.
func TestCatalogueIsInOrder(t *testing.T) {
	scopes := []Scope{ScopeConn, ScopeRequest, ScopeBatch, ScopePeer}
	kinds := []Kind{KindWork, KindQueue, KindDisk, KindNetwork, KindConsensus, KindHeld}
	eachStage(t, func(t *testing.T, spec *Spec) {
		if spec.Parent >= spec.Stage {
			t.Errorf("its parent %q stands behind it", spec.Parent)
		}
		if !slices.Contains(scopes, spec.Scope) {
			t.Errorf("scope %q", spec.Scope)
		}
		if !slices.Contains(kinds, spec.Kind) && !LastsAsConn(spec.Stage) {
			t.Errorf("kind %q: only a connection's life has none", spec.Kind)
		}
		inConn := spec.Stage >= FirstConn && spec.Stage <= LastConn
		if inConn != (spec.Scope == ScopeConn) {
			t.Errorf("scope %q does not fit its place in stage.go", spec.Scope)
		}
		checkEdge(t, "begin", spec.Begin)
		checkEdge(t, "end", spec.End)
	})
}

func checkEdge(t *testing.T, which string, e EdgeSpec) {
	t.Helper()
	switch e.Edge {
	case Exact, Inferred:
		if e.ErrorNS != 0 {
			t.Errorf("%s is %s, with an error of %d ns", which, e.Edge, e.ErrorNS)
		}
	case Near:
		if e.ErrorNS <= 0 {
			t.Errorf("%s is near: by how much?", which)
		}
	default:
		t.Errorf("%s has edge %q", which, e.Edge)
	}
}

// The file that observes a stage exists. Of a stage without one, the chapters say why
// it is never shown (walkthrough/chapter/check).
func TestCatalogueNamesASeamThatExists(t *testing.T) {
	eachStage(t, func(t *testing.T, spec *Spec) {
		if spec.Seam == "" {
			return
		}
		if _, err := os.Stat(filepath.Join("..", "..", filepath.FromSlash(spec.Seam))); err != nil {
			t.Errorf("its seam: %v", err)
		}
	})
}

func eachStage(t *testing.T, check func(*testing.T, *Spec)) {
	t.Helper()
	for _, spec := range Specs() {
		t.Run(spec.Name, func(t *testing.T) { check(t, spec) })
	}
}
