package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// send makes requests one after the other, on a new connection every so often.
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
