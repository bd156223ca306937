package v3rpc

import (
	"context"
	"errors"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"go.etcd.io/etcd/server/v3/auth"
	"go.etcd.io/etcd/server/v3/etcdserver/api/membership"
	etcderrors "go.etcd.io/etcd/server/v3/etcdserver/errors"
	"go.etcd.io/etcd/server/v3/etcdserver/version"
	"go.etcd.io/etcd/server/v3/lease"
	"go.etcd.io/etcd/server/v3/storage/mvcc"
)

// toGRPCError pairs each error of the raft side and of the storage with the status that
// clients of etcd's API expect. clientv3 recognises an error by its text alone, so the
// texts are part of the protocol.
var toGRPCError = []struct {
	err    error
	status error
}{
	// The request cannot be served as it is.
	{mvcc.ErrCompacted, rpctypes.ErrGRPCCompacted},
	{mvcc.ErrFutureRev, rpctypes.ErrGRPCFutureRev},
	{lease.ErrLeaseNotFound, rpctypes.ErrGRPCLeaseNotFound},
	{lease.ErrLeaseExists, rpctypes.ErrGRPCLeaseExist},
	{lease.ErrLeaseTTLTooLarge, rpctypes.ErrGRPCLeaseTTLTooLarge},
	{etcderrors.ErrKeyNotFound, rpctypes.ErrGRPCKeyNotFound},
	{etcderrors.ErrRequestTooLarge, rpctypes.ErrGRPCRequestTooLarge},

	{membership.ErrIDRemoved, rpctypes.ErrGRPCMemberNotFound},
	{membership.ErrIDNotFound, rpctypes.ErrGRPCMemberNotFound},
	{membership.ErrIDExists, rpctypes.ErrGRPCMemberExist},
	{membership.ErrPeerURLexists, rpctypes.ErrGRPCPeerURLExist},
	{membership.ErrMemberNotLearner, rpctypes.ErrGRPCMemberNotLearner},
	{membership.ErrTooManyLearners, rpctypes.ErrGRPCTooManyLearners},
	// In etcd 3.7.3 this line has the client's form of the error. That is not a gRPC
	// status, and so clients get the code Unknown. Here they must get the same code,
	// because etcdctl prints it.
	{etcderrors.ErrNotEnoughStartedMembers, status.Error(codes.Unknown, etcderrors.ErrNotEnoughStartedMembers.Error())},
	{etcderrors.ErrLearnerNotReady, rpctypes.ErrGRPCLearnerNotReady},
	{etcderrors.ErrBadLeaderTransferee, rpctypes.ErrGRPCBadLeaderTransferee},
	{etcderrors.ErrClusterVersionUnavailable, rpctypes.ErrGRPCClusterVersionUnavailable},
	{etcderrors.ErrWrongDowngradeVersionFormat, rpctypes.ErrGRPCWrongDowngradeVersionFormat},
	{version.ErrInvalidDowngradeTargetVersion, rpctypes.ErrGRPCInvalidDowngradeTargetVersion},
	{version.ErrDowngradeInProcess, rpctypes.ErrGRPCDowngradeInProcess},
	{version.ErrNoInflightDowngrade, rpctypes.ErrGRPCNoInflightDowngrade},

	// Users, roles and permissions.
	{auth.ErrRootUserNotExist, rpctypes.ErrGRPCRootUserNotExist},
	{auth.ErrRootRoleNotExist, rpctypes.ErrGRPCRootRoleNotExist},
	{auth.ErrUserAlreadyExist, rpctypes.ErrGRPCUserAlreadyExist},
	{auth.ErrUserEmpty, rpctypes.ErrGRPCUserEmpty},
	{auth.ErrUserNotFound, rpctypes.ErrGRPCUserNotFound},
	{auth.ErrRoleAlreadyExist, rpctypes.ErrGRPCRoleAlreadyExist},
	{auth.ErrRoleNotFound, rpctypes.ErrGRPCRoleNotFound},
	{auth.ErrRoleEmpty, rpctypes.ErrGRPCRoleEmpty},
	{auth.ErrAuthFailed, rpctypes.ErrGRPCAuthFailed},
	{auth.ErrPermissionNotGiven, rpctypes.ErrGRPCPermissionNotGiven},
	{auth.ErrPermissionDenied, rpctypes.ErrGRPCPermissionDenied},
	{auth.ErrRoleNotGranted, rpctypes.ErrGRPCRoleNotGranted},
	{auth.ErrPermissionNotGranted, rpctypes.ErrGRPCPermissionNotGranted},
	{auth.ErrAuthNotEnabled, rpctypes.ErrGRPCAuthNotEnabled},
	{auth.ErrInvalidAuthMgmt, rpctypes.ErrGRPCInvalidAuthMgmt},

	// The server has no room for the request now. In etcd 3.7.3 the line of
	// ErrTooManyRequests has the client's form of the error. That is not a gRPC status,
	// and so clients get the code Unknown. Here they get the status with the same text.
	{etcderrors.ErrNoSpace, rpctypes.ErrGRPCNoSpace},
	{etcderrors.ErrTooManyRequests, rpctypes.ErrGRPCRequestTooManyRequests},

	// The request was not committed, or not in time.
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

// ask calls a method of the raft side and returns its reply, or the gRPC status
// for its error. Unary handlers must call the raft side through ask, so that no handler
// forgets to translate an error. Streaming handlers call togRPCError with the error that
// ends them.
func ask[Q, R any](ctx context.Context, r Q, method func(context.Context, Q) (R, error)) (R, error) {
	resp, err := method(ctx, r)
	if err != nil {
		var none R
		return none, togRPCError(err)
	}
	return resp, nil
}

// askFilled calls ask, and then fills the header of the reply with h.
func askFilled[Q any, R interface{ GetHeader() *pb.ResponseHeader }](
	ctx context.Context, r Q, h *header, method func(context.Context, Q) (R, error),
) (R, error) {
	resp, err := ask(ctx, r, method)
	if err == nil {
		h.fill(resp.GetHeader())
	}
	return resp, err
}

// togRPCError returns the gRPC status for an error of the raft side, and nil for
// nil. Errors of the caller's context are returned as they are: grpc-go turns them
// into Canceled or DeadlineExceeded. An error that toGRPCError does not list
// becomes Unknown with its own text.
func togRPCError(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	for _, pair := range toGRPCError {
		if errors.Is(err, pair.err) {
			return pair.status
		}
	}
	if errors.Is(err, errors.ErrUnsupported) {
		// etcd implements it, this server does not; the error's text says what.
		return status.Error(codes.Unimplemented, err.Error())
	}
	return status.Error(codes.Unknown, err.Error())
}

// header fills the headers of replies. The cluster's and the member's IDs never change
// while the server runs; the term and the revision are read for each reply. Its methods
// may be called by any goroutine.
type header struct {
	clusterID uint64
	memberID  uint64
	status    RaftStatusGetter
	rev       func() int64
}

func newHeader(s Server) header {
	return header{
		clusterID: uint64(s.ClusterID()),
		memberID:  uint64(s.MemberID()),
		status:    s,
		rev:       func() int64 { return s.KV().Rev() },
	}
}

// fill writes the cluster, the member and the term into rh, which must not be nil. A
// revision that rh has already stays: it is the one at which the request was applied. If
// rh has no revision, it gets the store's current one.
func (h *header) fill(rh *pb.ResponseHeader) {
	h.fillWithoutRevision(rh)
	if rh.Revision == 0 {
		rh.Revision = h.rev()
	}
}

// fillWithoutRevision is fill for replies whose revision must stay as it is.
func (h *header) fillWithoutRevision(rh *pb.ResponseHeader) {
	rh.ClusterId = h.clusterID
	rh.MemberId = h.memberID
	rh.RaftTerm = h.status.Term()
}
