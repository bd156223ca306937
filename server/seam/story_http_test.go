package seam

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"glasskv/server/seam/client"
	"glasskv/server/seam/seamtest"
	"glasskv/trace"
	"glasskv/trace/stages"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

// Whether the ledger has a sliver of these is chance: two goroutines, or the two
// ends of a connection, take turns there.
func init() {
	beside[""] = []string{trace.Unexplained} // a connection alone: what it ends with, and that it ended, are two stamps
	for _, method := range []string{"POST /v3/kv/put", "POST /v3/watch"} {
		beside[method] = append(slices.Clone(beside[pb.Watch_Watch_FullMethodName]),
			trace.Unexplained, stages.WriteStatus.String(), stages.ClientSend.String(), stages.NetRequest.String(), stages.NetReply.String())
	}
}

// httpRequest sends a request over HTTP/1, with the command's input as its body,
// and tells of the answer and of the record. Those with host= ask for another host
// than the server's; one with lines=N hangs up after N lines of the answer.
func (s *story) httpRequest(w words) string {
	s.settle()
	ctx, hangUp := context.WithCancel(seamtest.Limit(s))
	defer hangUp()
	req, err := http.NewRequestWithContext(ctx, w.at(0), s.scheme()+s.node.Endpoint()+w.at(1), strings.NewReader(w.Input))
	s.must(err)
	req.Host = w.named("host", "")
	if parent := w.named("traceparent", ""); parent != "" {
		req.Header.Set(client.HeaderTraceParent, parent)
	}
	resp, err := s.browser().Do(req)
	s.must(err)
	answer := fmt.Sprintf("client: %s\n", resp.Status)
	if n := w.namedNumber("lines"); n > 0 {
		lines := bufio.NewScanner(resp.Body)
		for range n {
			lines.Scan()
		}
		s.must(lines.Err())
		hangUp()
	} else {
		_, err = io.Copy(io.Discard, resp.Body)
		s.must(err)
	}
	s.must(resp.Body.Close())
	for _, name := range []string{client.HeaderTraceParent, client.HeaderTraceURL} {
		if value := resp.Header.Get(name); value != "" {
			answer += fmt.Sprintf("  %s: %s\n", name, masked(value))
		}
	}
	if w.has("headers") {
		var b bytes.Buffer
		for _, changing := range []string{"Date", "Content-Length", client.HeaderTraceParent, client.HeaderTraceURL} {
			resp.Header.Del(changing)
		}
		s.must(resp.Header.Write(&b))
		answer += strings.ReplaceAll(b.String(), "\r\n", "\n")
	}
	return answer + s.records(1, "", w)
}

// scheme begins the server's address.
func (s *story) scheme() string {
	if s.authority != nil {
		return "https://"
	}
	return "http://"
}

// browser returns the story's HTTP client, which keeps its connection.
func (s *story) browser() *http.Client {
	if s.http == nil {
		transport := &http.Transport{}
		if s.authority != nil {
			transport.TLSClientConfig = s.authority.Client("alice")
		}
		s.Cleanup(transport.CloseIdleConnections)
		s.http = &http.Client{Transport: transport}
	}
	return s.http
}
