package v3rpc

import (
	"context"
	"errors"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	etcderrors "go.etcd.io/etcd/server/v3/etcdserver/errors"
	"go.etcd.io/etcd/server/v3/lease"
	"go.etcd.io/etcd/server/v3/storage/mvcc"
)

// toGRPCError pairs the errors of the raft side and of the storage with the
// status that a client of etcd's API expects for each. clientv3 tells errors
// apart by their text alone, so the texts are part of the protocol.
var toGRPCError = []struct {
	err    error
	status error
}{
	// What the client asked for cannot be had.
	{mvcc.ErrCompacted, rpctypes.ErrGRPCCompacted},
	{mvcc.ErrFutureRev, rpctypes.ErrGRPCFutureRev},
	{lease.ErrLeaseNotFound, rpctypes.ErrGRPCLeaseNotFound},
	{lease.ErrLeaseExists, rpctypes.ErrGRPCLeaseExist},
	{lease.ErrLeaseTTLTooLarge, rpctypes.ErrGRPCLeaseTTLTooLarge},
	{etcderrors.ErrKeyNotFound, rpctypes.ErrGRPCKeyNotFound},
	{etcderrors.ErrRequestTooLarge, rpctypes.ErrGRPCRequestTooLarge},

	// The server has no room for it now. etcd 3.7.3 lists the client's form
	// of "too many requests" in its own table, which is not a status and goes
	// out with code Unknown; the status with the same text is what was meant.
	{etcderrors.ErrNoSpace, rpctypes.ErrGRPCNoSpace},
	{etcderrors.ErrTooManyRequests, rpctypes.ErrGRPCRequestTooManyRequests},

	// Raft did not bring it through, or not in time.
	{etcderrors.ErrNoLeader, rpctypes.ErrGRPCNoLeader},
	{etcderrors.ErrNotLeader, rpctypes.ErrGRPCNotLeader},
	{etcderrors.ErrLeaderChanged, rpctypes.ErrGRPCLeaderChanged},
	{etcderrors.ErrCanceled, rpctypes.ErrGRPCCanceled},
	{etcderrors.ErrStopped, rpctypes.ErrGRPCStopped},
	{etcderrors.ErrTimeout, rpctypes.ErrGRPCTimeout},
	{etcderrors.ErrTimeoutDueToLeaderFail, rpctypes.ErrGRPCTimeoutDueToLeaderFail},
	{etcderrors.ErrTimeoutDueToConnectionLost, rpctypes.ErrGRPCTimeoutDueToConnectionLost},
	{etcderrors.ErrTimeoutWaitAppliedIndex, rpctypes.ErrGRPCTimeoutWaitAppliedIndex},
	{etcderrors.ErrUnhealthy, rpctypes.ErrGRPCUnhealthy},
	{etcderrors.ErrCorrupt, rpctypes.ErrGRPCCorrupt},
}

// togRPCError turns an error of the server into the one that goes out. An
// error of the caller's context passes through, because grpc-go itself knows
// best whether the deadline ran out or the client went away. An error that
// nobody listed goes out as Unknown with its text.
func togRPCError(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	for _, pair := range toGRPCError {
		if errors.Is(err, pair.err) {
			return pair.status
		}
	}
	return status.Error(codes.Unknown, err.Error())
}
