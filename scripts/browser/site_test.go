package browser

import (
	"errors"
	"net/http/httptest"
	"testing"

	"go.uber.org/zap"

	"glasskv/server/control"
	"glasskv/trace"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/page"
	"glasskv/walkthrough/source"
	"glasskv/walkthrough/walk/tour"
)

// hostileKey is what a client may write: were it not escaped, it would run.
const hostileKey = "</title><script>hacked=1</script><img src=x onerror=hacked=2>\u202e"

// site serves the page of a request that was really made, on a server that can make
// more of them. The second request has a key that wants to be a script.
func site(t *testing.T) string {
	t.Helper()
	live, err := tour.Start(t.Context(), tour.LiveOptions{Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := live.Close(); err != nil {
			t.Errorf("stop the server: %v", err)
		}
	})
	put, err := live.Do(t.Context(), "put")
	other, otherErr := live.Do(t.Context(), "get")
	if err := errors.Join(err, otherErr); err != nil {
		t.Fatal(err)
	}
	other.TraceID, other.Attributes[trace.AttrKey], other.Message = hostileID, hostileKey, hostileKey
	library, err := source.ForModule(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(page.Handler(page.Options{
		Lang: lang.EN, Library: library, Live: live, Kinds: tour.Requests(), Shown: []*trace.Timeline{put, other},
		Control: control.Local(live.Server().Observer().Steering()),
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

const hostileID = "00000000000000000000000000000bad"
