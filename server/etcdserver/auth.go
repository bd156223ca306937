package etcdserver

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/auth"
	"go.etcd.io/etcd/server/v3/storage/schema"
	"golang.org/x/crypto/bcrypt"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Users and roles are kept as in etcd, through the log and in the backend, but no
// request is checked against them: authentication can be prepared here and not
// enabled. NewServer refuses a data directory in which it is enabled.

// ErrAuthNotEnforced is returned by AuthEnable when etcd would enable
// authentication. It wraps errors.ErrUnsupported.
var ErrAuthNotEnforced = fmt.Errorf("%w: this server does not enforce authentication, so it cannot be enabled", errors.ErrUnsupported)

// openAuth opens etcd's store of users and roles. It must be called before the
// backend's hook is set, because a new store writes its first revision outside
// apply. No tokens are issued, so the store gets the token provider that has none.
func (s *EtcdServer) openAuth() error {
	tokens, err := auth.NewTokenProvider(s.lg, "", nil, 0)
	if err != nil {
		return err
	}
	s.authStore = auth.NewAuthStore(s.lg, schema.NewAuthBackend(s.lg, s.be), tokens, bcrypt.DefaultCost)
	return nil
}

// AuthEnable always returns an error: auth.ErrRootUserNotExist or
// auth.ErrRootRoleNotExist when etcd would return it, else ErrAuthNotEnforced, so
// that no client believes its keys to be protected. It proposes nothing.
func (s *EtcdServer) AuthEnable(ctx context.Context, _ *pb.AuthEnableRequest) (*pb.AuthEnableResponse, error) {
	if err := s.linearizableReadNotify(ctx); err != nil {
		return nil, err
	}
	if err := s.checkAuthEnable(); err != nil {
		return nil, err
	}
	return nil, ErrAuthNotEnforced
}

// AuthDisable succeeds and changes nothing: authentication is never enabled.
func (s *EtcdServer) AuthDisable(ctx context.Context, r *pb.AuthDisableRequest) (*pb.AuthDisableResponse, error) {
	return propose[*pb.AuthDisableResponse](ctx, s, &pb.InternalRaftRequest{AuthDisable: r})
}

// AuthStatus returns whether authentication is enabled, which it is not, and the
// revision of users and roles.
func (s *EtcdServer) AuthStatus(ctx context.Context, r *pb.AuthStatusRequest) (*pb.AuthStatusResponse, error) {
	return propose[*pb.AuthStatusResponse](ctx, s, &pb.InternalRaftRequest{AuthStatus: r})
}

// Authenticate returns auth.ErrAuthNotEnabled, as etcd does while authentication is
// not enabled.
func (s *EtcdServer) Authenticate(ctx context.Context, r *pb.AuthenticateRequest) (*pb.AuthenticateResponse, error) {
	if err := s.linearizableReadNotify(ctx); err != nil {
		return nil, err
	}
	_, err := s.authStore.CheckPassword(r.Name, r.Password)
	if err == nil {
		err = auth.ErrAuthNotEnabled
	}
	return nil, err
}

// UserAdd adds a user. It may return auth.ErrUserEmpty or auth.ErrUserAlreadyExist.
func (s *EtcdServer) UserAdd(ctx context.Context, r *pb.AuthUserAddRequest) (*pb.AuthUserAddResponse, error) {
	if !r.GetOptions().GetNoPassword() {
		hashed, err := hashPassword(r.Password)
		if err != nil {
			return nil, err
		}
		r.HashedPassword, r.Password = hashed, ""
	}
	return propose[*pb.AuthUserAddResponse](ctx, s, &pb.InternalRaftRequest{AuthUserAdd: r})
}

// UserChangePassword changes a user's password. It may return auth.ErrUserNotFound.
func (s *EtcdServer) UserChangePassword(
	ctx context.Context, r *pb.AuthUserChangePasswordRequest,
) (*pb.AuthUserChangePasswordResponse, error) {
	if r.Password != "" {
		hashed, err := hashPassword(r.Password)
		if err != nil {
			return nil, err
		}
		r.HashedPassword, r.Password = hashed, ""
	}
	return propose[*pb.AuthUserChangePasswordResponse](ctx, s, &pb.InternalRaftRequest{AuthUserChangePassword: r})
}

// hashPassword returns the hash that the log holds in place of a password. It is
// computed before the proposal: the salt is random, and all members must have the
// same hash.
func hashPassword(password string) (string, error) {
	hashed, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.DefaultCost)
	return base64.StdEncoding.EncodeToString(hashed), err
}

// UserDelete removes a user. It may return auth.ErrUserNotFound.
func (s *EtcdServer) UserDelete(ctx context.Context, r *pb.AuthUserDeleteRequest) (*pb.AuthUserDeleteResponse, error) {
	return propose[*pb.AuthUserDeleteResponse](ctx, s, &pb.InternalRaftRequest{AuthUserDelete: r})
}

// UserGet returns a user's roles, or auth.ErrUserNotFound.
func (s *EtcdServer) UserGet(ctx context.Context, r *pb.AuthUserGetRequest) (*pb.AuthUserGetResponse, error) {
	return propose[*pb.AuthUserGetResponse](ctx, s, &pb.InternalRaftRequest{AuthUserGet: r})
}

// UserList returns the names of all users.
func (s *EtcdServer) UserList(ctx context.Context, r *pb.AuthUserListRequest) (*pb.AuthUserListResponse, error) {
	return propose[*pb.AuthUserListResponse](ctx, s, &pb.InternalRaftRequest{AuthUserList: r})
}

// UserGrantRole gives a user a role. It may return auth.ErrUserNotFound or
// auth.ErrRoleNotFound.
func (s *EtcdServer) UserGrantRole(
	ctx context.Context, r *pb.AuthUserGrantRoleRequest,
) (*pb.AuthUserGrantRoleResponse, error) {
	return propose[*pb.AuthUserGrantRoleResponse](ctx, s, &pb.InternalRaftRequest{AuthUserGrantRole: r})
}

// UserRevokeRole takes a role from a user. It may return auth.ErrUserNotFound or
// auth.ErrRoleNotGranted.
func (s *EtcdServer) UserRevokeRole(
	ctx context.Context, r *pb.AuthUserRevokeRoleRequest,
) (*pb.AuthUserRevokeRoleResponse, error) {
	return propose[*pb.AuthUserRevokeRoleResponse](ctx, s, &pb.InternalRaftRequest{AuthUserRevokeRole: r})
}

// RoleAdd adds a role. It may return auth.ErrRoleEmpty or auth.ErrRoleAlreadyExist.
func (s *EtcdServer) RoleAdd(ctx context.Context, r *pb.AuthRoleAddRequest) (*pb.AuthRoleAddResponse, error) {
	return propose[*pb.AuthRoleAddResponse](ctx, s, &pb.InternalRaftRequest{AuthRoleAdd: r})
}

// RoleDelete removes a role, also from the users that have it. It may return
// auth.ErrRoleNotFound.
func (s *EtcdServer) RoleDelete(ctx context.Context, r *pb.AuthRoleDeleteRequest) (*pb.AuthRoleDeleteResponse, error) {
	return propose[*pb.AuthRoleDeleteResponse](ctx, s, &pb.InternalRaftRequest{AuthRoleDelete: r})
}

// RoleGet returns a role's permissions, or auth.ErrRoleNotFound.
func (s *EtcdServer) RoleGet(ctx context.Context, r *pb.AuthRoleGetRequest) (*pb.AuthRoleGetResponse, error) {
	return propose[*pb.AuthRoleGetResponse](ctx, s, &pb.InternalRaftRequest{AuthRoleGet: r})
}

// RoleList returns the names of all roles.
func (s *EtcdServer) RoleList(ctx context.Context, r *pb.AuthRoleListRequest) (*pb.AuthRoleListResponse, error) {
	return propose[*pb.AuthRoleListResponse](ctx, s, &pb.InternalRaftRequest{AuthRoleList: r})
}

// RoleGrantPermission gives a role a permission on a range of keys. It may return
// auth.ErrRoleNotFound or auth.ErrPermissionNotGiven.
func (s *EtcdServer) RoleGrantPermission(
	ctx context.Context, r *pb.AuthRoleGrantPermissionRequest,
) (*pb.AuthRoleGrantPermissionResponse, error) {
	return propose[*pb.AuthRoleGrantPermissionResponse](ctx, s, &pb.InternalRaftRequest{AuthRoleGrantPermission: r})
}

// RoleRevokePermission takes a permission from a role. It may return
// auth.ErrRoleNotFound or auth.ErrPermissionNotGranted.
func (s *EtcdServer) RoleRevokePermission(
	ctx context.Context, r *pb.AuthRoleRevokePermissionRequest,
) (*pb.AuthRoleRevokePermissionResponse, error) {
	return propose[*pb.AuthRoleRevokePermissionResponse](ctx, s, &pb.InternalRaftRequest{AuthRoleRevokePermission: r})
}

// root is the user and the role that must exist before authentication is enabled.
const root = "root"

// dispatchAuth executes a request about authentication, users or roles. It returns
// nil for any other request.
func (s *EtcdServer) dispatchAuth(r *pb.InternalRaftRequest) *Result {
	for _, kind := range []func(*pb.InternalRaftRequest) *Result{s.applyAuth, s.applyUser, s.applyRole} {
		if result := kind(r); result != nil {
			return result
		}
	}
	return nil
}

func (s *EtcdServer) applyAuth(r *pb.InternalRaftRequest) *Result {
	switch {
	case r.AuthEnable != nil:
		return s.applyAuthEnable()
	case r.AuthDisable != nil:
		s.authStore.AuthDisable()
		return &Result{Resp: &pb.AuthDisableResponse{Header: s.newHeader()}}
	case r.AuthStatus != nil:
		return &Result{Resp: &pb.AuthStatusResponse{
			Header:       s.newHeader(),
			Enabled:      s.authStore.IsAuthEnabled(),
			AuthRevision: s.authStore.Revision(),
		}}
	case r.Authenticate != nil:
		resp, err := s.authStore.Authenticate(context.Background(), r.Authenticate.Name, r.Authenticate.Password)
		return authResult(s, resp, err)
	}
	return nil
}

// applyAuthEnable is called only for entries that another server has logged, since
// AuthEnable proposes nothing. If etcd would enable authentication, it returns
// ErrAuthEnabled, which ends the member: etcd checks all later requests against
// permissions, and this server would not.
func (s *EtcdServer) applyAuthEnable() *Result {
	if err := s.checkAuthEnable(); err != nil {
		return &Result{Err: err}
	}
	return &Result{Err: ErrAuthEnabled}
}

// checkAuthEnable returns the error with which etcd would refuse to enable
// authentication, or nil. It reads the backend itself: the store's own reads take the
// lock of a write transaction, whose hook would mark the entry as applied.
func (s *EtcdServer) checkAuthEnable() error {
	tx := schema.NewAuthBackend(s.lg, s.be).ReadTx()
	tx.RLock()
	defer tx.RUnlock()
	user := tx.UnsafeGetUser(root)
	switch {
	case user == nil:
		return auth.ErrRootUserNotExist
	case !slices.Contains(user.Roles, root):
		return auth.ErrRootRoleNotExist
	}
	return nil
}

func (s *EtcdServer) applyUser(r *pb.InternalRaftRequest) *Result {
	switch {
	case r.AuthUserAdd != nil:
		resp, err := s.authStore.UserAdd(r.AuthUserAdd)
		return authResult(s, resp, err)
	case r.AuthUserDelete != nil:
		resp, err := s.authStore.UserDelete(r.AuthUserDelete)
		return authResult(s, resp, err)
	case r.AuthUserChangePassword != nil:
		resp, err := s.authStore.UserChangePassword(r.AuthUserChangePassword)
		return authResult(s, resp, err)
	case r.AuthUserGrantRole != nil:
		resp, err := s.authStore.UserGrantRole(r.AuthUserGrantRole)
		return authResult(s, resp, err)
	case r.AuthUserRevokeRole != nil:
		resp, err := s.authStore.UserRevokeRole(r.AuthUserRevokeRole)
		return authResult(s, resp, err)
	case r.AuthUserGet != nil:
		resp, err := s.authStore.UserGet(r.AuthUserGet)
		return authResult(s, resp, err)
	case r.AuthUserList != nil:
		resp, err := s.authStore.UserList(r.AuthUserList)
		return authResult(s, resp, err)
	}
	return nil
}

func (s *EtcdServer) applyRole(r *pb.InternalRaftRequest) *Result {
	switch {
	case r.AuthRoleAdd != nil:
		resp, err := s.authStore.RoleAdd(r.AuthRoleAdd)
		return authResult(s, resp, err)
	case r.AuthRoleDelete != nil:
		resp, err := s.authStore.RoleDelete(r.AuthRoleDelete)
		return authResult(s, resp, err)
	case r.AuthRoleGrantPermission != nil:
		resp, err := s.authStore.RoleGrantPermission(r.AuthRoleGrantPermission)
		return authResult(s, resp, err)
	case r.AuthRoleRevokePermission != nil:
		resp, err := s.authStore.RoleRevokePermission(r.AuthRoleRevokePermission)
		return authResult(s, resp, err)
	case r.AuthRoleGet != nil:
		resp, err := s.authStore.RoleGet(r.AuthRoleGet)
		return authResult(s, resp, err)
	case r.AuthRoleList != nil:
		resp, err := s.authStore.RoleList(r.AuthRoleList)
		return authResult(s, resp, err)
	}
	return nil
}

// authResult returns the Result of a reply of the store of users and roles. It adds
// the header, which the store leaves out.
func authResult[T any, P interface {
	*T
	proto.Message
}](s *EtcdServer, resp P, err error) *Result {
	if err != nil {
		return &Result{Err: err}
	}
	// All replies have a header, but no Go interface has a setter for it.
	m := resp.ProtoReflect()
	m.Set(m.Descriptor().Fields().ByName("header"), protoreflect.ValueOfMessage(s.newHeader().ProtoReflect()))
	return &Result{Resp: resp}
}
