package record

import (
	"context"
	"testing"

	"glasskv/trace"
	"glasskv/trace/stages"
)

// A request that came to handleStream links to the page on which x/net/trace
// shows it, whatever its client called the service.
func TestTimelinesLinkToTheDebugPage(t *testing.T) {
	for _, c := range []struct{ debug, method, want string }{
		{"http://127.0.0.1:6060", "/etcdserverpb.KV/Put", "http://127.0.0.1:6060/debug/requests?b=0&exp=1&fam=grpc.Recv.etcdserverpb.KV"},
		{"http://127.0.0.1:6060", "/a&b=\x1b[2J/c", "http://127.0.0.1:6060/debug/requests?b=0&exp=1&fam=grpc.Recv.a%26b%3D%1B%5B2J"},
		{"", "/etcdserverpb.KV/Put", ""},
	} {
		rc := NewRecorder(Options{DebugURL: c.debug})
		r := rc.Start(nil, 1, Now())
		r.Facts().Method = c.method
		if url := r.Timeline().Attributes[trace.AttrDebugURL]; url != "" {
			t.Errorf("%q links to %s before it came to handleStream", c.method, url)
		}
		r.Begin(stages.HandleStream)
		if url := r.Timeline().Attributes[trace.AttrDebugURL]; url != c.want {
			t.Errorf("%q links to %q, want %q", c.method, url, c.want)
		}
		if err := rc.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
}
