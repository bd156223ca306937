package swap

import (
	"context"
	"flag"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

var (
	cycles = flag.Int("cycles", 6, "how often one server gives way to the other")
	seed   = flag.Uint64("seed", 1, "decides what is asked, and when")
)

// turnTime is enough for one server to start, to serve its share and to end.
const turnTime = time.Minute

// GlassKV, etcd, GlassKV, etcd and so on, each killed or stopped in the middle
// of it, are one store.
func TestServersTakeTurnsOnOneHistory(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(*cycles+4)*turnTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "run", "./scripts/linear", "-servers", "glasskv,etcd",
		"-cycles", strconv.Itoa(*cycles), "-seed", strconv.FormatUint(*seed, 10))
	cmd.Dir = "../../.." // the main module
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
	for _, server := range []string{"glasskv", "etcd"} {
		if !strings.Contains(string(out), ": "+server+" served") {
			t.Errorf("%s had no turn", server)
		}
	}
}
