// Command limit is a server that does the least that a durable put can cost on this
// machine, as a measure for servers that do more. It answers etcd's KV calls over
// grpc-go, and acknowledges a put when the put is in a file and fdatasync has returned.
// It has no consensus, no index and no store, and never reads the file.
//
// Puts that wait at the same time share a write and an fdatasync, as they do in a
// write-ahead log. A range is answered at once, with nothing.
package main

import (
	"context"
	"errors"
	"flag"
	"net"
	"os"
	"path/filepath"
	"sync"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"glasskv/scripts/peers/internal/peer"
)

var (
	dataDir = flag.String("data-dir", "", "where the file is written")
	listen  = flag.String("listen", "127.0.0.1:2379", "address for clients")
)

func main() {
	flag.Parse()
	os.Exit(peer.Main(run))
}

func run(ctx context.Context) error {
	if *dataDir == "" {
		return errors.New("-data-dir is needed")
	}
	lis, err := new(net.ListenConfig).Listen(ctx, "tcp", *listen)
	if err != nil {
		return err
	}
	log, err := openLog(*dataDir)
	if err != nil {
		return err
	}
	srv := grpc.NewServer()
	pb.RegisterKVServer(srv, &kvServer{log: log})
	failed := make(chan error, 2)
	go func() { failed <- srv.Serve(lis) }()
	go func() { failed <- log.run() }()
	peer.Ready(lis.Addr().String())
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	srv.Stop()
	return errors.Join(err, log.close())
}

// kvServer answers Put and Range; every other call is unimplemented.
type kvServer struct {
	pb.UnimplementedKVServer
	log *commitLog
}

// Put returns when the request is on the disk.
func (s *kvServer) Put(ctx context.Context, r *pb.PutRequest) (*pb.PutResponse, error) {
	entry, err := proto.Marshal(r)
	if err != nil {
		return nil, err
	}
	if err := s.log.append(ctx, entry); err != nil {
		return nil, err
	}
	return &pb.PutResponse{Header: &pb.ResponseHeader{Revision: 1}}, nil
}

// Range returns nothing, at once.
func (s *kvServer) Range(context.Context, *pb.RangeRequest) (*pb.RangeResponse, error) {
	return &pb.RangeResponse{Header: &pb.ResponseHeader{Revision: 1}}, nil
}

// segmentBytes is how far the file is extended beyond what is written, as etcd extends
// its log, so that fdatasync does not have to write a new size too.
const segmentBytes = 64 << 20

var errClosed = errors.New("log is closed")

// commitLog is an append-only file. Entries that are appended at the same time share one
// write and one fdatasync.
type commitLog struct {
	file      *os.File
	written   int64
	allocated int64
	wake      chan struct{}
	stop      chan struct{}
	done      chan struct{}

	mu      sync.Mutex
	pending *group
}

// group is the entries of one write.
type group struct {
	data   []byte
	synced chan struct{} // closed when data is on the disk, or err is set
	err    error
}

func newGroup() *group { return &group{synced: make(chan struct{})} }

func openLog(dir string) (*commitLog, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	file, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	return &commitLog{
		file:    file,
		wake:    make(chan struct{}, 1),
		stop:    make(chan struct{}),
		done:    make(chan struct{}),
		pending: newGroup(),
	}, nil
}

// append returns when entry is on the disk. It may be called concurrently.
func (l *commitLog) append(ctx context.Context, entry []byte) error {
	l.mu.Lock()
	g := l.pending
	g.data = append(g.data, entry...)
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default: // run is about to wake already
	}
	select {
	case <-g.synced:
		return g.err
	case <-l.done:
		return errClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run writes group after group until the log is closed or a write fails, and returns
// the error of that write.
func (l *commitLog) run() error {
	defer close(l.done)
	for {
		select {
		case <-l.stop:
			return nil
		case <-l.wake:
		}
		l.mu.Lock()
		g := l.pending
		l.pending = newGroup()
		l.mu.Unlock()
		if len(g.data) == 0 {
			continue
		}
		g.err = l.write(g.data)
		close(g.synced)
		if g.err != nil {
			return g.err
		}
	}
}

func (l *commitLog) write(data []byte) error {
	fd := int(l.file.Fd())
	for l.written+int64(len(data)) > l.allocated {
		if err := unix.Fallocate(fd, 0, l.allocated, segmentBytes); err != nil {
			return err
		}
		l.allocated += segmentBytes
	}
	if _, err := l.file.WriteAt(data, l.written); err != nil {
		return err
	}
	l.written += int64(len(data))
	return unix.Fdatasync(fd)
}

func (l *commitLog) close() error {
	close(l.stop)
	<-l.done
	return l.file.Close()
}
