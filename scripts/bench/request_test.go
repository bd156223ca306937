package main

import (
	"context"
	"net"
	"testing"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/stats"

	"glasskv/server/seam"
	"glasskv/server/serve"
	"glasskv/trace"
)

// The three benchmarks differ only in what observes the request: nothing, a
// stats.Handler that does nothing, all seams. What a request allocates on the
// client's side is in all of them alike.

func BenchmarkRequestPlain(b *testing.B) { benchmarkRequest(b, serve.Seams{}) }

func BenchmarkRequestEmptyStatsHandler(b *testing.B) {
	benchmarkRequest(b, serve.Seams{Options: []grpc.ServerOption{grpc.StatsHandler(emptyHandler{})}})
}

func BenchmarkRequestObserved(b *testing.B) {
	rec := trace.NewRecorder(trace.Options{})
	defer func() { _ = rec.Close(context.Background()) }()
	observer, err := seam.New(rec, seam.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer observer.Close()
	benchmarkRequest(b, observer.Seams())
}

// benchmarkRequest sends puts, one at a time, to a handler that does nothing.
func benchmarkRequest(b *testing.B, seams serve.Seams) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	addr := lis.Addr().String()
	if seams.Listener != nil {
		lis = seams.Listener(lis)
	}
	srv := grpc.NewServer(append(chain(seams.Interceptors), seams.Options...)...)
	desc := &pb.KV_ServiceDesc
	if seams.ServiceDesc != nil {
		desc = seams.ServiceDesc(desc)
	}
	srv.RegisterService(desc, doesNothing{})
	go func() { _ = srv.Serve(lis) }()
	defer srv.Stop()
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	kv, request := pb.NewKVClient(conn), &pb.PutRequest{Key: []byte("bench/000001"), Value: value}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := kv.Put(b.Context(), request); err != nil {
			b.Fatal(err)
		}
	}
}

func chain(in serve.Interceptors) []grpc.ServerOption {
	var opts []grpc.ServerOption
	for _, i := range []grpc.UnaryServerInterceptor{in.OuterUnary, in.InnerUnary} {
		if i != nil {
			opts = append(opts, grpc.ChainUnaryInterceptor(i))
		}
	}
	return opts
}

type doesNothing struct{ pb.UnimplementedKVServer }

func (doesNothing) Put(context.Context, *pb.PutRequest) (*pb.PutResponse, error) {
	return &pb.PutResponse{Header: &pb.ResponseHeader{Revision: 1}}, nil
}

type emptyHandler struct{}

func (emptyHandler) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (emptyHandler) HandleRPC(context.Context, stats.RPCStats)                         {}
func (emptyHandler) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (emptyHandler) HandleConn(context.Context, stats.ConnStats)                       {}
