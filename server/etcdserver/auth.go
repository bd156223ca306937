package etcdserver

import (
	"context"
	"encoding/base64"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/auth"
	"go.etcd.io/etcd/server/v3/storage/schema"
	"golang.org/x/crypto/bcrypt"
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
