package record

import (
	"strings"
	"testing"

	"glasskv/trace/tracetest"
)

func TestConnectionsThatNeverCarryARequestAreCounted(t *testing.T) {
	rc := NewRecorder(Options{})
	defer rc.Close(t.Context())
	c := rc.NewConn("10.0.0.1:5", "127.0.0.1:2379")
	c.Fail("the client does not speak HTTP/2")
	c.Fail("closed")
	s := rc.Stats()
	if s.FailedConns != 1 || !strings.Contains(s.LastFailure, "10.0.0.1:5: the client does not speak HTTP/2") {
		t.Errorf("%d failed, the last of them %q", s.FailedConns, s.LastFailure)
	}
}

func TestAConnectionThatCarriedARequestHasNotFailed(t *testing.T) {
	rc := NewRecorder(Options{})
	defer tracetest.Close(t, rc)
	c := rc.NewConn("10.0.0.1:5", "127.0.0.1:2379")
	rc.Start(c, 1, Now()).Done(AllEvents)
	c.Fail("closed")
	if s := rc.Stats(); s.FailedConns != 0 || s.Finished != 1 {
		t.Errorf("stats: %+v", s)
	}
}
