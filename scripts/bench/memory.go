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

// longLoad is what a server had in memory before and after many requests.
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
		one, err := b.longLoad(ctx, t)
		if err != nil {
			return nil, fmt.Errorf("long load, %s: %w", t.name, err)
		}
		all[t.name] = one
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

// stats asks a server for the state of its recorder.
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

// pages bounds how long a page of a server may take with all of its body.
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

// held asks a server how much memory it can reach, in bytes: its heap after a
// collection, and its stacks.
func (p *process) held(ctx context.Context) (int64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.debugURL+"/debug/pprof/heap?gc=1&debug=1", http.NoBody)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	var heap, stack int64
	for line := range strings.Lines(string(text)) {
		// Other lines do not begin so; these two hold numbers that the runtime wrote.
		_, _ = fmt.Sscanf(line, "# HeapAlloc = %d", &heap)
		_, _ = fmt.Sscanf(line, "# Stack = %d", &stack)
	}
	if heap == 0 || stack == 0 {
		return 0, fmt.Errorf("%s says nothing of the heap: %s", req.URL, resp.Status)
	}
	return heap + stack, nil
}
