//go:build unix

package walk

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// startChild walks into a pipe, through a put on a server of its own, whose data are
// in a directory of the test.
func startChild(t *testing.T) (cmd *exec.Cmd, out *bufio.Reader, closeOut func(), stderr *bytes.Buffer, data string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	data, stderr = t.TempDir(), new(bytes.Buffer)
	cmd = exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), childMode+"=pipe", "TMPDIR="+data)
	cmd.Stderr = stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewReader(pipe), func() { _ = pipe.Close() }, stderr, data
}

func leftBehind(t *testing.T, data string) {
	t.Helper()
	entries, err := os.ReadDir(data)
	if err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// glasskv walk | head: the reader has seen enough. That is no error, and the server's
// data are removed as ever.
func TestNobodyReadsOn(t *testing.T) {
	cmd, out, closeOut, stderr, data := startChild(t)
	if line, err := out.ReadString('\n'); err != nil || !strings.HasPrefix(line, "PUT ") {
		t.Fatalf("%q, %v; %s", line, err, stderr)
	}
	closeOut()
	if err := cmd.Wait(); err != nil {
		t.Errorf("exit: %v; %s", err, stderr)
	}
	leftBehind(t, data)
}

// Told to stop while it writes, it says so, and tidies up.
func TestASignalEndsTheWalkIntoAPipe(t *testing.T) {
	cmd, out, closeOut, stderr, data := startChild(t)
	if _, err := out.ReadString('\n'); err != nil {
		t.Fatalf("%v; %s", err, stderr)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	closeOut()
	_ = cmd.Wait() // stopped, or done with it before the signal came
	leftBehind(t, data)
}
