// Command edges runs a server with all seams on the patched copy of grpc-go that
// scripts/overlay makes, sends it requests one at a time from a second process, and
// compares every edge of the records with the true moments.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/client/pkg/v3/types"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"glasskv/scripts/overlay/truth"
	"glasskv/server/seam"
	"glasskv/server/serve"
	"glasskv/trace/record"
)

// perConnection is how many requests each connection carries.
const perConnection = 50

var (
	requests = flag.Int("requests", 5000, "requests to compare")
	puts     = flag.Bool("puts", false, "send puts, with an fsync each, instead of reads that follow each other quickly")
	target   = flag.String("client", "", "be the client of the server at this address")
)

func main() {
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "edges:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	truth.Prepare(record.Now)
	if *target != "" {
		return send(ctx, *target, *requests)
	}
	records, err := recordRequests(ctx)
	if err != nil {
		return err
	}
	return compare(records)
}

// recordRequests runs the server until the client has sent all requests, and returns
// what the server recorded.
func recordRequests(ctx context.Context) (records []*record.Record, err error) {
	dir, err := os.MkdirTemp("", "glasskv-edges-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	rec := record.NewRecorder(record.Options{MemoryBytes: int64(*requests) * 16 << 10})
	observer, err := seam.New(rec, seam.Options{})
	if err != nil {
		return nil, err
	}
	cfg := serve.DefaultConfig("edges", filepath.Join(dir, "data"))
	cfg.ListenClientURLs = types.MustNewURLs([]string{"http://127.0.0.1:0"})
	cfg.ListenPeerURLs = cfg.ListenClientURLs
	node, err := serve.Start(ctx, cfg, observer.Seams())
	if err != nil {
		return nil, err
	}
	sent := runClient(ctx, node.ClientAddrs()[0].String())
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	stopped := node.Stop(ctx)
	observer.Close()
	err = errors.Join(sent, stopped, rec.Close(ctx))
	return rec.Last(*requests), err
}

// runClient runs the client in a process of its own: the patched functions that write
// to a connection are used by clients too, and the client's calls must not be counted.
func runClient(ctx context.Context, addr string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, self, "-client", addr, "-requests", strconv.Itoa(*requests),
		"-puts="+strconv.FormatBool(*puts))
	cmd.Stderr = os.Stderr
	return cmd.Run()
}

// send makes requests one after the other, perConnection on each connection.
func send(ctx context.Context, addr string, requests int) error {
	for sent := 0; sent < requests; sent += perConnection {
		if err := sendSome(ctx, addr, min(perConnection, requests-sent)); err != nil {
			return err
		}
	}
	return nil
}

func sendSome(ctx context.Context, addr string, requests int) (err error) {
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	kv := pb.NewKVClient(conn)
	for i := range requests {
		key := fmt.Appendf(nil, "edges/%03d", i)
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		if *puts {
			_, err = kv.Put(ctx, &pb.PutRequest{Key: key, Value: key}, grpc.WaitForReady(true))
		} else {
			_, err = kv.Range(ctx, &pb.RangeRequest{Key: key, Serializable: true}, grpc.WaitForReady(true))
		}
		cancel()
		if err != nil {
			return err
		}
	}
	return nil
}

// ownCost returns what the measurement itself adds to a difference: the median time, in
// nanoseconds, between truth's stamp and a stamp of ours right after it.
func ownCost() int64 {
	var off []int64
	before := len(truth.Calls(truth.Nothing))
	for range 1000 {
		truth.Enter(truth.Nothing)
		off = append(off, record.Now())
		truth.Exit(truth.Nothing)
	}
	for i, call := range truth.Calls(truth.Nothing)[before:] {
		off[i] -= call.Enter
	}
	slices.Sort(off)
	return off[len(off)/2]
}
