package etcdserver

import (
	"context"
	"encoding/base64"
	"slices"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/auth"
	"go.etcd.io/etcd/server/v3/storage/schema"
	"golang.org/x/crypto/bcrypt"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Users and roles are kept as etcd keeps them, in the backend and through the
// log, and nobody is ever asked who they are: authentication can be prepared
// here and not switched on. A directory in which it is on is refused.

// openAuth opens etcd's own store of users and roles. It must come before the
// backend gets its hook, for a new store writes its first revision outside apply.
// No token is ever issued, so that the provider of tokens is the one that has
// none.
func (s *EtcdServer) openAuth() error {
	tokens, err := auth.NewTokenProvider(s.lg, "", nil, 0)
	if err != nil {
		return err
	}
	s.authStore = auth.NewAuthStore(s.lg, schema.NewAuthBackend(s.lg, s.be), tokens, bcrypt.DefaultCost)
	return nil
}

// AuthEnable would switch authentication on. It returns auth.ErrRootUserNotExist
// or auth.ErrRootRoleNotExist where etcd does, and ErrAuthNotEnforced in place of
// success: whoever asks for protection must not be told that it is there. Nothing
// is proposed.
func (s *EtcdServer) AuthEnable(ctx context.Context, _ *pb.AuthEnableRequest) (*pb.AuthEnableResponse, error) {
	if err := s.linearizableReadNotify(ctx); err != nil {
		return nil, err
	}
	if err := s.mayEnableAuth(); err != nil {
		return nil, err
	}
	return nil, ErrAuthNotEnforced
}

// AuthDisable switches authentication off, which it is already.
func (s *EtcdServer) AuthDisable(ctx context.Context, r *pb.AuthDisableRequest) (*pb.AuthDisableResponse, error) {
	return propose[*pb.AuthDisableResponse](ctx, s, &pb.InternalRaftRequest{AuthDisable: r})
}

// AuthStatus tells whether authentication is on, and the revision of users and
// roles.
func (s *EtcdServer) AuthStatus(ctx context.Context, r *pb.AuthStatusRequest) (*pb.AuthStatusResponse, error) {
	return propose[*pb.AuthStatusResponse](ctx, s, &pb.InternalRaftRequest{AuthStatus: r})
}

// Authenticate returns auth.ErrAuthNotEnabled.
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

// UserAdd adds a user. It returns auth.ErrUserEmpty or auth.ErrUserAlreadyExist.
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

// UserChangePassword changes a user's password. It returns auth.ErrUserNotFound.
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

// hashPassword hashes what the log is to hold in place of a password. It is done
// before the proposal, since the salt is chance and every member must arrive at
// the same.
func hashPassword(password string) (string, error) {
	hashed, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.DefaultCost)
	return base64.StdEncoding.EncodeToString(hashed), err
}

// UserDelete removes a user. It returns auth.ErrUserNotFound.
func (s *EtcdServer) UserDelete(ctx context.Context, r *pb.AuthUserDeleteRequest) (*pb.AuthUserDeleteResponse, error) {
	return propose[*pb.AuthUserDeleteResponse](ctx, s, &pb.InternalRaftRequest{AuthUserDelete: r})
}

// UserGet names a user's roles. It returns auth.ErrUserNotFound.
func (s *EtcdServer) UserGet(ctx context.Context, r *pb.AuthUserGetRequest) (*pb.AuthUserGetResponse, error) {
	return propose[*pb.AuthUserGetResponse](ctx, s, &pb.InternalRaftRequest{AuthUserGet: r})
}

// UserList names all users.
func (s *EtcdServer) UserList(ctx context.Context, r *pb.AuthUserListRequest) (*pb.AuthUserListResponse, error) {
	return propose[*pb.AuthUserListResponse](ctx, s, &pb.InternalRaftRequest{AuthUserList: r})
}

// UserGrantRole gives a user a role. It returns auth.ErrUserNotFound or
// auth.ErrRoleNotFound.
func (s *EtcdServer) UserGrantRole(
	ctx context.Context, r *pb.AuthUserGrantRoleRequest,
) (*pb.AuthUserGrantRoleResponse, error) {
	return propose[*pb.AuthUserGrantRoleResponse](ctx, s, &pb.InternalRaftRequest{AuthUserGrantRole: r})
}

// UserRevokeRole takes a role from a user. It returns auth.ErrUserNotFound or
// auth.ErrRoleNotGranted.
func (s *EtcdServer) UserRevokeRole(
	ctx context.Context, r *pb.AuthUserRevokeRoleRequest,
) (*pb.AuthUserRevokeRoleResponse, error) {
	return propose[*pb.AuthUserRevokeRoleResponse](ctx, s, &pb.InternalRaftRequest{AuthUserRevokeRole: r})
}

// RoleAdd adds a role. It returns auth.ErrRoleEmpty or auth.ErrRoleAlreadyExist.
func (s *EtcdServer) RoleAdd(ctx context.Context, r *pb.AuthRoleAddRequest) (*pb.AuthRoleAddResponse, error) {
	return propose[*pb.AuthRoleAddResponse](ctx, s, &pb.InternalRaftRequest{AuthRoleAdd: r})
}

// RoleDelete removes a role, also from the users that have it. It returns
// auth.ErrRoleNotFound.
func (s *EtcdServer) RoleDelete(ctx context.Context, r *pb.AuthRoleDeleteRequest) (*pb.AuthRoleDeleteResponse, error) {
	return propose[*pb.AuthRoleDeleteResponse](ctx, s, &pb.InternalRaftRequest{AuthRoleDelete: r})
}

// RoleGet names a role's permissions. It returns auth.ErrRoleNotFound.
func (s *EtcdServer) RoleGet(ctx context.Context, r *pb.AuthRoleGetRequest) (*pb.AuthRoleGetResponse, error) {
	return propose[*pb.AuthRoleGetResponse](ctx, s, &pb.InternalRaftRequest{AuthRoleGet: r})
}

// RoleList names all roles.
func (s *EtcdServer) RoleList(ctx context.Context, r *pb.AuthRoleListRequest) (*pb.AuthRoleListResponse, error) {
	return propose[*pb.AuthRoleListResponse](ctx, s, &pb.InternalRaftRequest{AuthRoleList: r})
}

// RoleGrantPermission gives a role a permission on a range of keys. It returns
// auth.ErrRoleNotFound or auth.ErrPermissionNotGiven.
func (s *EtcdServer) RoleGrantPermission(
	ctx context.Context, r *pb.AuthRoleGrantPermissionRequest,
) (*pb.AuthRoleGrantPermissionResponse, error) {
	return propose[*pb.AuthRoleGrantPermissionResponse](ctx, s, &pb.InternalRaftRequest{AuthRoleGrantPermission: r})
}

// RoleRevokePermission takes a permission from a role. It returns
// auth.ErrRoleNotFound or auth.ErrPermissionNotGranted.
func (s *EtcdServer) RoleRevokePermission(
	ctx context.Context, r *pb.AuthRoleRevokePermissionRequest,
) (*pb.AuthRoleRevokePermissionResponse, error) {
	return propose[*pb.AuthRoleRevokePermissionResponse](ctx, s, &pb.InternalRaftRequest{AuthRoleRevokePermission: r})
}

// root is the user, and the role, that etcd wants to exist before authentication
// is switched on.
const root = "root"

// dispatchAuth executes what the log says about users and roles. It returns nil
// when r is about something else.
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

// applyAuthEnable meets only entries that another server has logged. From one
// that succeeds on, the entries were checked against permissions, which would
// not be done here: the member ends before it, and has changed nothing.
func (s *EtcdServer) applyAuthEnable() *Result {
	if err := s.mayEnableAuth(); err != nil {
		return &Result{Err: err}
	}
	return &Result{Err: ErrAuthEnabled}
}

// mayEnableAuth returns the error with which etcd refuses to switch
// authentication on, or nil. It reads the backend itself: the store's own reads
// take the lock of a write, which would count the entry as applied.
func (s *EtcdServer) mayEnableAuth() error {
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

// authResult completes a reply of the store of users and roles, which knows of no
// header.
func authResult[T any, P interface {
	*T
	proto.Message
}](s *EtcdServer, resp P, err error) *Result {
	if err != nil {
		return &Result{Err: err}
	}
	// All replies of the service have the field; only Go has no word for that.
	m := resp.ProtoReflect()
	m.Set(m.Descriptor().Fields().ByName("header"), protoreflect.ValueOfMessage(s.newHeader().ProtoReflect()))
	return &Result{Resp: resp}
}
