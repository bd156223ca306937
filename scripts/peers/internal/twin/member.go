package twin

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
)

// Member is one data directory with the addresses under which it is served,
// whichever server that is.
type Member struct {
	Dir    string // the data directory; the first server makes it
	Client string // URL for clients, on loopback
	Peer   string // URL for other members, on loopback
}

// NewMember returns a member without data at addresses that were free a moment
// ago. Its directory ends with the test.
func NewMember(t *testing.T) *Member {
	t.Helper()
	return &Member{Dir: filepath.Join(t.TempDir(), "data"), Client: freeURL(t), Peer: freeURL(t)}
}

// Fresh is a member without data at the same addresses, which gives it the
// same IDs. The servers of the two must not run at the same time.
func (m *Member) Fresh(t *testing.T) *Member {
	t.Helper()
	return &Member{Dir: filepath.Join(t.TempDir(), "data"), Client: m.Client, Peer: m.Peer}
}

// Addr is host and port for clients.
func (m *Member) Addr() string { return strings.TrimPrefix(m.Client, "http://") }

func freeURL(t *testing.T) string {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer lis.Close()
	return "http://" + lis.Addr().String()
}

// args are the flags under which a server serves the member.
func (m *Member) args(server string) []string {
	args := []string{
		"--name", "m1", "--data-dir", m.Dir, "--snapshot-count", "100",
		"--listen-client-urls", m.Client, "--listen-peer-urls", m.Peer,
	}
	if server == Etcd {
		return args
	}
	return append(append([]string{"serve"}, args...),
		"--advertise-client-urls", m.Client, "--initial-advertise-peer-urls", m.Peer, "--initial-cluster", "m1="+m.Peer)
}
