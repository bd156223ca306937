package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

const (
	servedClients = 16
	streamLength  = 50 // messages that the server sends on each stream that is explained
)

// served is a kind of request that is explained from the server's side: clients
// that are not our own see no more than that.
type served struct {
	name    string
	method  string // as timelines name it
	batch   int    // requests before their timelines are fetched
	request func(ctx context.Context, p *process, id int) error
}

var servedKinds = []served{
	{"put through the gateway, 16 clients", "POST " + gatewayPut, batchSize, putThroughGateway},
	{fmt.Sprintf("watch with %d events", streamLength), "/etcdserverpb.Watch/Watch", 20, watchOnce},
	{fmt.Sprintf("keep-alive of %d renewals", streamLength), "/etcdserverpb.Lease/LeaseKeepAlive", 20, keepAliveOnce},
}

// explainServed measures what the server's own timelines explain.
func (b *bench) explainServed(ctx context.Context) (all []explained, err error) {
	for _, kind := range servedKinds {
		one, err := b.explainKind(ctx, kind)
		if err != nil {
			return nil, fmt.Errorf("explain %s: %w", kind.name, err)
		}
		all = append(all, one)
	}
	return all, nil
}

func (b *bench) explainKind(ctx context.Context, kind served) (e explained, err error) {
	p, err := b.glasskv(ctx, b.newData(), nil, "--trace", "on")
	if err != nil {
		return e, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	wanted := b.opts.explain * kind.batch / batchSize // fewer streams than requests
	progress("%d explained: %s", wanted, kind.name)
	if err := kind.makeAll(ctx, p, kind.batch); err != nil { // warm from here on
		return e, err
	}
	if err := rest(ctx, p); err != nil {
		return e, err
	}
	var verdicts []verdict
	for len(verdicts) < wanted {
		n := min(kind.batch, wanted-len(verdicts))
		if err := kind.makeAll(ctx, p, n); err != nil {
			return e, err
		}
		if err := rest(ctx, p); err != nil {
			return e, err
		}
		some, err := p.lastOnes(ctx, kind.method, n)
		if err != nil {
			return e, err
		}
		verdicts = append(verdicts, some...)
	}
	return sumUp(kind.name, byServer, verdicts), nil
}

// makeAll makes n requests, as many at a time as there are clients.
func (kind served) makeAll(ctx context.Context, p *process, n int) error {
	todo := make(chan int)
	failed := make([]error, servedClients)
	var wg sync.WaitGroup
	for i := range servedClients {
		wg.Go(func() {
			for id := range todo {
				if err := kind.request(ctx, p, id); err != nil {
					failed[i] = errors.Join(failed[i], err)
				}
			}
		})
	}
	for id := range n {
		todo <- id
	}
	close(todo)
	wg.Wait()
	return errors.Join(failed...)
}

// lastOnes fetches the timelines of the last n requests of a method and judges
// them.
func (p *process) lastOnes(ctx context.Context, method string, n int) (verdicts []verdict, err error) {
	// Others may have finished among them: puts that a watch was told of.
	body, err := get(ctx, fmt.Sprintf("%s/v1/requests?last=%d", p.traceURL, batchSize+n+streamLength))
	if err != nil {
		return nil, err
	}
	defer body.Close()
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() && len(verdicts) < n {
		v, err := judge(lines.Bytes())
		if err != nil {
			return nil, err
		}
		if v.method == method {
			verdicts = append(verdicts, v)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(verdicts) < n {
		return nil, fmt.Errorf("of %d requests of %s the server has %d timelines", n, method, len(verdicts))
	}
	return verdicts, nil
}

const gatewayPut = "/v3/kv/put"

// gateway keeps a connection for each client, as a service would.
var gateway = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: servedClients}, Timeout: time.Minute}

func putThroughGateway(ctx context.Context, p *process, id int) error {
	b64 := base64.StdEncoding.EncodeToString
	body := fmt.Sprintf(`{"key":%q,"value":%q}`, b64(fmt.Appendf(nil, "bench/%06d", id)), b64(value))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+p.addr+gatewayPut, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	reply, err := gateway.Do(req)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	if _, err := io.Copy(io.Discard, reply.Body); err != nil {
		return err
	}
	if reply.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", req.URL, reply.Status)
	}
	return nil
}

// watchOnce opens a stream, is told of some changes and goes.
func watchOnce(ctx context.Context, p *process, id int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	key := fmt.Appendf(nil, "watched/%06d", id)
	stream, err := pb.NewWatchClient(p.conns[id%len(p.conns)]).Watch(ctx)
	if err != nil {
		return err
	}
	if err := stream.Send(&pb.WatchRequest{RequestUnion: &pb.WatchRequest_CreateRequest{
		CreateRequest: &pb.WatchCreateRequest{Key: key},
	}}); err != nil {
		return err
	}
	if _, err := stream.Recv(); err != nil { // created
		return err
	}
	kv := pb.NewKVClient(p.conns[id%len(p.conns)])
	for range streamLength {
		if err := put(ctx, kv, key); err != nil {
			return err
		}
		if err := receive(stream, 1); err != nil {
			return err
		}
	}
	return stream.CloseSend()
}

// keepAliveOnce opens a stream, renews a lease on it some times and goes.
func keepAliveOnce(ctx context.Context, p *process, id int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	leases := pb.NewLeaseClient(p.conns[id%len(p.conns)])
	lease, err := leases.LeaseGrant(ctx, &pb.LeaseGrantRequest{TTL: 600})
	if err != nil {
		return err
	}
	stream, err := leases.LeaseKeepAlive(ctx)
	if err != nil {
		return err
	}
	for range streamLength {
		if err := stream.Send(&pb.LeaseKeepAliveRequest{ID: lease.ID}); err != nil {
			return err
		}
		if _, err := stream.Recv(); err != nil {
			return err
		}
	}
	return stream.CloseSend()
}
