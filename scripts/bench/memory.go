package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"glasskv/trace/record"
)

// longLoad is a server's memory before and after many requests.
type longLoad struct {
	Requests int           `json:"requests"`
	Before   int64         `json:"resident_before_bytes"`
	After    int64         `json:"resident_after_bytes"`
	Stats    *record.Stats `json:"recorder,omitempty"`
}

// longLoads sends many reads, which leave nothing behind in the store, to a
// server that records and to one that does not.
func (b *bench) longLoads(ctx context.Context) (map[string]longLoad, error) {
	all := make(map[string]longLoad)
	for _, t := range targets {
		if t.name != traceOn && t.name != traceOff {
			continue
		}
		progress("%d requests, %s", b.opts.longLoad, t.name)
		result, err := b.longLoad(ctx, t)
		if err != nil {
			return nil, fmt.Errorf("long load, %s: %w", t.name, err)
		}
		all[t.name] = result
	}
	return all, nil
}

func (b *bench) longLoad(ctx context.Context, t target) (l longLoad, err error) {
	p, err := t.start(ctx, b, b.newData())
	if err != nil {
		return l, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	if _, err := put64.run(ctx, p, b.opts.warm, 0); err != nil {
		return l, err
	}
	l.Before = p.resident()
	many := workload{name: "range, 256 clients", clients: 256, op: linearizable}
	sent, err := many.run(ctx, p, 0, b.opts.longLoad)
	if err != nil {
		return l, err
	}
	l.Requests, l.After = sent.Requests, p.resident()
	if t.name == traceOn {
		l.Stats, err = p.stats(ctx)
	}
	return l, err
}

// stats returns the state of a server's recorder.
func (p *process) stats(ctx context.Context) (*record.Stats, error) {
	s := new(record.Stats)
	return s, getJSON(ctx, p.traceURL+"/v1/status", s)
}

func getJSON(ctx context.Context, url string, into any) error {
	body, err := get(ctx, url)
	if err != nil {
		return err
	}
	defer body.Close()
	return json.NewDecoder(body).Decode(into)
}

// pages is the client for a server's pages; it bounds how long one may take, with all
// of its body.
var pages = &http.Client{Timeout: 30 * time.Second}

// get fetches a page of a server; ctx must last until the body is read.
func get(ctx context.Context, url string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	reply, err := pages.Do(req)
	if err != nil {
		return nil, err
	}
	if reply.StatusCode != http.StatusOK {
		reply.Body.Close()
		return nil, fmt.Errorf("get %s: %s", url, reply.Status)
	}
	return reply.Body, nil
}

// reachableMemory returns a server's heap after a collection and its stacks, in bytes.
func (p *process) reachableMemory(ctx context.Context) (int64, error) {
	url := p.debugURL + "/debug/pprof/heap?gc=1&debug=1"
	page, err := get(ctx, url)
	if err != nil {
		return 0, err
	}
	defer page.Close()
	text, err := io.ReadAll(page)
	if err != nil {
		return 0, err
	}
	var heap, stack int64
	for line := range strings.Lines(string(text)) {
		// All other lines fail to match; that is not an error.
		_, _ = fmt.Sscanf(line, "# HeapAlloc = %d", &heap)
		_, _ = fmt.Sscanf(line, "# Stack = %d", &stack)
	}
	if heap == 0 || stack == 0 {
		return 0, fmt.Errorf("%s says nothing of the heap", url)
	}
	return heap + stack, nil
}
