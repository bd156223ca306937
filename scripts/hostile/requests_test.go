package hostile

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

// nestedTxns sends transactions inside transactions.
func nestedTxns(ctx context.Context, w world) error {
	return w.client(ctx, func(ctx context.Context, cc *grpc.ClientConn) error {
		for _, depth := range []int{10, 100, 1_000, 4_000, 20_000} {
			txn := new(pb.TxnRequest)
			for range depth {
				txn = &pb.TxnRequest{Success: []*pb.RequestOp{{Request: &pb.RequestOp_RequestTxn{RequestTxn: txn}}}}
			}
			if _, err := pb.NewKVClient(cc).Txn(ctx, txn); unavailable(err) {
				return fmt.Errorf("depth %d: %w", depth, err)
			}
		}
		return nil
	})
}

// wideTxns sends transactions that fan out: each operation holds as many again.
func wideTxns(ctx context.Context, w world) error {
	return w.client(ctx, func(ctx context.Context, cc *grpc.ClientConn) error {
		txn := &pb.TxnRequest{Success: []*pb.RequestOp{{Request: &pb.RequestOp_RequestRange{
			RequestRange: &pb.RangeRequest{Key: []byte{0}, RangeEnd: []byte{0}},
		}}}}
		for range 3 {
			wide := new(pb.TxnRequest)
			for range 20 {
				wide.Success = append(wide.Success, &pb.RequestOp{Request: &pb.RequestOp_RequestTxn{RequestTxn: txn}})
			}
			txn = wide
		}
		if _, err := pb.NewKVClient(cc).Txn(ctx, txn); unavailable(err) {
			return err
		}
		return nil
	})
}

// largePuts writes values at the limit of what a request may be, and above it.
func largePuts(ctx context.Context, w world) error {
	return w.client(ctx, func(ctx context.Context, cc *grpc.ClientConn) error {
		kv := pb.NewKVClient(cc)
		for i := range w.size(20, 200) {
			size := 1<<20 + 511<<10 // just below 1.5 MiB
			if i%2 == 1 {
				size = 4 << 20
			}
			_, err := kv.Put(ctx, &pb.PutRequest{Key: []byte("large"), Value: make([]byte, size)})
			if refused := err != nil; refused != (i%2 == 1) || unavailable(err) {
				return fmt.Errorf("a value of %d bytes: %w", size, err)
			}
		}
		return nil
	})
}

// wholeRanges reads everything, several times at once.
func wholeRanges(ctx context.Context, w world) error {
	return w.client(ctx, func(ctx context.Context, cc *grpc.ClientConn) error {
		kv := pb.NewKVClient(cc)
		value := make([]byte, 16<<10)
		for i := range w.size(200, 2_000) {
			if _, err := kv.Put(ctx, &pb.PutRequest{Key: fmt.Appendf(nil, "all/%d", i), Value: value}); err != nil {
				return err
			}
		}
		return together(8, func(int) error {
			for range w.size(3, 10) {
				all := &pb.RangeRequest{Key: []byte{0}, RangeEnd: []byte{0}}
				if _, err := kv.Range(ctx, all, grpc.MaxCallRecvMsgSize(1<<30)); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// manyWatches opens watches by the thousand, on one stream and on many.
func manyWatches(ctx context.Context, w world) error {
	return w.client(ctx, func(ctx context.Context, cc *grpc.ClientConn) error {
		watch := func(count int) error {
			stream, err := pb.NewWatchClient(cc).Watch(ctx)
			if err != nil {
				return err
			}
			for range count {
				if err := stream.Send(&pb.WatchRequest{RequestUnion: &pb.WatchRequest_CreateRequest{
					CreateRequest: &pb.WatchCreateRequest{Key: []byte{0}, RangeEnd: []byte{0}},
				}}); err != nil {
					return err
				}
			}
			for created := 0; created < count; {
				resp, err := stream.Recv()
				if err != nil {
					return err
				}
				if resp.Created {
					created++
				}
			}
			return nil
		}
		if err := watch(w.size(500, 10_000)); err != nil {
			return fmt.Errorf("on one stream: %w", err)
		}
		for range w.size(100, 1_000) {
			if err := watch(1); err != nil {
				return fmt.Errorf("on many streams: %w", err)
			}
		}
		return nil
	})
}

// deafReader asks for much and reads nothing.
func deafReader(ctx context.Context, w world) error {
	if err := wholeRangesFilled(ctx, w); err != nil {
		return err
	}
	return w.attack(ctx, func(a *attacker) error {
		return untilRefused(w.size(20, 50), func(i int) error {
			stream := uint32(2*i + 1)
			fields := put()
			fields[2].Value = pb.KV_Range_FullMethodName
			if err := a.open(stream, fields); err != nil {
				return err
			}
			// Key and range end are one zero byte each: everything.
			return a.framer.WriteData(stream, true, []byte{0, 0, 0, 0, 6, 0x0a, 1, 0, 0x12, 1, 0})
		})
	})
}

func wholeRangesFilled(ctx context.Context, w world) error {
	return w.client(ctx, func(ctx context.Context, cc *grpc.ClientConn) error {
		for i := range 50 {
			if _, err := pb.NewKVClient(cc).Put(ctx, &pb.PutRequest{Key: fmt.Appendf(nil, "all/%d", i), Value: make([]byte, 16<<10)}); err != nil {
				return err
			}
		}
		return nil
	})
}

// unavailable reports whether the server did not answer for itself.
func unavailable(err error) bool {
	switch status.Code(err) {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled:
		return true
	}
	return false
}

// client connects as a well-behaved client does.
func (w world) client(ctx context.Context, act func(context.Context, *grpc.ClientConn) error) error {
	ctx, cancel := context.WithTimeout(ctx, attackTime)
	defer cancel()
	cc, err := grpc.NewClient(w.addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	return errors.Join(act(ctx, cc), cc.Close())
}

// together runs n times at once.
func together(n int, run func(i int) error) error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = run(i) })
	}
	wg.Wait()
	return errors.Join(errs...)
}
