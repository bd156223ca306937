package clients

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"glasskv/scripts/peers/internal/twin"
)

func TestMain(m *testing.M) { os.Exit(twin.RunTests(m, "grpcurl")) }

// server is one of the two, which a story may restart.
type server struct {
	*twin.Member
	name    string
	process *twin.Process
}

// onBoth tells a story to GlassKV and to real etcd, each without data.
func onBoth(t *testing.T, story func(t *testing.T, s *server)) {
	t.Helper()
	for _, name := range []string{twin.Etcd, twin.GlassKV} {
		t.Run(name, func(t *testing.T) {
			m := twin.NewMember(t)
			story(t, &server{m, name, m.Start(t, name)})
		})
	}
}

func (s *server) stop() { s.process.Stop() }

func (s *server) start(t *testing.T) {
	t.Helper()
	s.process = s.Start(t, s.name)
}

// client connects to the server and is closed with the test. It asks again as
// often as a restart takes.
func (s *server) client(t *testing.T) *clientv3.Client {
	t.Helper()
	c, err := clientv3.New(clientv3.Config{
		Endpoints: []string{s.Client}, DialTimeout: twin.Patience, MaxUnaryRetries: 10_000,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// within bounds a story.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), twin.Patience)
	t.Cleanup(cancel)
	return ctx
}

// must is for the steps of a story whose result does not matter.
func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// program finds a program of the machine. A story is skipped where it is
// missing, except in CI, which installs it.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil && os.Getenv("CI") != "" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip(err)
	}
	return path
}

// output runs a program and returns what it printed.
func output(t *testing.T, dir, path string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(within(t), path, args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		stderr := ""
		if errors.As(err, &exit) {
			stderr = string(exit.Stderr)
		}
		t.Fatalf("%s %q: %v\n%s%s", path, args, err, out, stderr)
	}
	return string(out)
}
