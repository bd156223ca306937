// Command limit is the least that a durable put can cost on this machine, as a
// measure for servers that do more: it answers etcd's KV calls over grpc-go, and
// a put is in a file and fdatasync has returned before it is acknowledged. There
// is no consensus, no index, no store and no reading back.
//
// Puts that wait at the same time share a write and an fdatasync, as they do in
// a write-ahead log. A range is answered at once: a bare echo.
package main

import (
	"context"
	"errors"
	"flag"
	"net"
	"os"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
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
