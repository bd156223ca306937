package lesson

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	"glasskv/server/practice"
	"glasskv/walkthrough/client"
)

// operation makes one request and returns what it read, if it reads.
type operation func(context.Context, *client.Client, *Requests) (value string, err error)

// The operations that are named elsewhere.
const (
	opPut  = "put"
	opCall = "call"
)

// operations are what a request can be.
var operations = map[string]operation{
	opPut:   put,
	"get":   get,
	"txn":   txn,
	"page":  page,
	"panic": panics,
	opCall:  call,
}

func operationNames() []string { return slices.Sorted(maps.Keys(operations)) }

func (r *Requests) put() *pb.PutRequest {
	value := r.Text
	if value == "" {
		value = strings.Repeat("x", int(r.Value))
	}
	return &pb.PutRequest{Key: []byte(r.Key), Value: []byte(value)}
}

// put writes the key.
func put(ctx context.Context, c *client.Client, r *Requests) (string, error) {
	_, err := pb.NewKVClient(c).Put(ctx, r.put())
	return "", err
}

// get reads the key. What it returns tells whether the key was there.
func get(ctx context.Context, c *client.Client, r *Requests) (string, error) {
	reply, err := pb.NewKVClient(c).Range(ctx, &pb.RangeRequest{Key: []byte(r.Key), Serializable: r.Serializable})
	if err != nil || len(reply.Kvs) == 0 {
		return "", err
	}
	return string(reply.Kvs[0].Value), nil
}

// txn writes as many keys as it is told to, in one transaction.
func txn(ctx context.Context, c *client.Client, r *Requests) (string, error) {
	var all pb.TxnRequest
	for i := range max(r.Ops, 1) {
		one := r.put()
		one.Key = fmt.Appendf(nil, "%s/%05d", r.Key, i)
		all.Success = append(all.Success, &pb.RequestOp{Request: &pb.RequestOp_RequestPut{RequestPut: one}})
	}
	_, err := pb.NewKVClient(c).Txn(ctx, &all)
	return "", err
}

// page has the service for practice reply with so many bytes.
func page(ctx context.Context, c *client.Client, r *Requests) (string, error) {
	return "", c.Invoke(ctx, practice.Page, wrapperspb.Int64(int64(r.Value)), &wrapperspb.StringValue{})
}

// panics calls a handler that panics.
func panics(ctx context.Context, c *client.Client, _ *Requests) (string, error) {
	return "", c.Invoke(ctx, practice.Panic, &emptypb.Empty{}, &emptypb.Empty{})
}

// call calls a method by a name that need not exist.
func call(ctx context.Context, c *client.Client, r *Requests) (string, error) {
	return "", c.Invoke(ctx, r.Method, &emptypb.Empty{}, &emptypb.Empty{})
}
