package page

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"glasskv/trace"
	"glasskv/walkthrough/lang"
)

func TestOnlyThisMachineIsAnswered(t *testing.T) {
	s := open(t, Options{Shown: []*trace.Timeline{parse(t, put)}})
	for host, want := range map[string]int{
		"localhost": http.StatusOK, "127.0.0.1:1": http.StatusOK, "[::1]:80": http.StatusOK,
		"rebound.example": http.StatusForbidden, "192.0.2.7": http.StatusForbidden,
	} {
		req := s.request(http.MethodGet, trace1+"/wal.sync", nil)
		req.Host = host
		if resp, _ := s.do(req); resp.StatusCode != want {
			t.Errorf("%s: %s", host, resp.Status)
		}
	}
}

func TestAFormIsNoWayToFillMemory(t *testing.T) {
	live := &workshop{t: t}
	s := open(t, Options{Live: live, Shown: []*trace.Timeline{parse(t, put)}})
	form := "request=put&lang=" + strings.Repeat("x", 2*mostForm)
	if resp, _ := s.do(s.request(http.MethodPost, "/make", strings.NewReader(form))); resp.StatusCode == http.StatusSeeOther || len(live.made) > 0 {
		t.Errorf("%s, %v was made", resp.Status, live.made)
	}
}

func TestWhatABrowserMayDo(t *testing.T) {
	s := open(t, Options{Shown: []*trace.Timeline{parse(t, put)}})
	for _, target := range []string{"/", trace1 + "/wal.sync", "/static/page.js", "/nowhere", "/r/none/wal.sync", trace1 + "/none"} {
		resp, body := s.do(s.request(http.MethodGet, target, nil))
		if got := resp.Header.Get("Content-Security-Policy"); got != policy {
			t.Errorf("%s: policy %q", target, got)
		}
		if resp.StatusCode == http.StatusNotFound && !strings.Contains(body, "<h1>") {
			t.Errorf("%s: no page: %s", target, body)
		}
		for _, inline := range []string{" style=", "<style", " onclick=", "javascript:"} {
			if strings.Contains(body, inline) {
				t.Errorf("%s has %q, which the policy forbids", target, inline)
			}
		}
	}
	for _, unsafe := range []string{"unsafe-inline", "unsafe-eval", "*", "http:"} {
		if strings.Contains(policy, unsafe) {
			t.Errorf("the policy allows %s", unsafe)
		}
	}
}

func TestTheFirstViewIsSmall(t *testing.T) {
	s := open(t, Options{Shown: []*trace.Timeline{parse(t, put)}})
	total := 0
	for _, target := range []string{trace1 + "/wal.sync", "/static/page.css", "/static/page.js", "/static/icon.svg"} {
		total += len(s.get(target))
	}
	if total > 100<<10 {
		t.Errorf("%d bytes", total)
	}
}

func TestOnlyLoopbackIsListenedOn(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":8080", "[::]:0", "192.0.2.7:80", "example.com:80", "127.0.0.1", "nonsense"} {
		if l, err := Listen(address); err == nil {
			l.Close()
			t.Errorf("%s is listened on", address)
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: more than a line: %v", address, err)
		}
	}
	for _, address := range []string{"", "127.0.0.1:0", "localhost:0"} {
		l, err := Listen(address)
		if err != nil {
			t.Errorf("%q: %v", address, err)
			continue
		}
		l.Close()
	}
}

func TestItServesUntilItIsTold(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- Serve(ctx, in, Options{Lang: lang.EN, Library: library(t), Shown: []*trace.Timeline{parse(t, put)}})
		in.Close()
	}()
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("it said nothing")
	}
	address := lines.Text()
	drained := make(chan struct{})
	go func() { _, _ = io.Copy(io.Discard, out); close(drained) }()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK || !strings.HasSuffix(resp.Request.URL.Path, "/net.request") {
		t.Errorf("%s: %s at %s", address, resp.Status, resp.Request.URL)
	}
	http.DefaultClient.CloseIdleConnections()
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("ended with %v", err)
	}
	<-drained
}
