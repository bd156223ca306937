package record

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"glasskv/trace/tracetest"

	"golang.org/x/sys/unix"
)

func TestStampsOfTwoProcessesMeetOnTheMachinesClock(t *testing.T) {
	if os.Getenv("GLASSKV_TEST_CLOCK") != "" {
		// The other process: it says what time it is.
		if _, err := os.Stdout.WriteString(strconv.FormatInt(monotonic(Now()), 10) + "\n"); err != nil {
			t.Fatal(err)
		}
		return
	}
	if bootID() == "" {
		t.Fatalf("boot ID %q", bootID())
	}
	cmd := exec.CommandContext(tracetest.Limit(t), os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), "GLASSKV_TEST_CLOCK=1")
	before := monotonic(Now())
	out, err := cmd.Output()
	after := monotonic(Now())
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(out), "\n")
	there, err := strconv.ParseInt(line, 10, 64)
	if err != nil {
		t.Fatalf("it said %q", out)
	}
	if there < before || there > after {
		t.Fatalf("it was %d there, between %d and %d here", there, before, after)
	}
}

func TestMonotonicIsTheKernelsClock(t *testing.T) {
	var before, after unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &before); err != nil {
		t.Fatal(err)
	}
	got := monotonic(Now())
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &after); err != nil {
		t.Fatal(err)
	}
	const tolerance = 100_000 // the offset is measured between two readings, which a busy machine pulls apart
	if got < before.Nano()-tolerance || got > after.Nano()+tolerance {
		t.Fatalf("%d, between %d and %d", got, before.Nano(), after.Nano())
	}
}
