package v3rpc

import (
	"context"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

// Authenticator stores users and roles, and changes them through raft. It is
// etcdserver.Authenticator upstream.
type Authenticator interface {
	AuthEnable(ctx context.Context, r *pb.AuthEnableRequest) (*pb.AuthEnableResponse, error)
	AuthDisable(ctx context.Context, r *pb.AuthDisableRequest) (*pb.AuthDisableResponse, error)
	AuthStatus(ctx context.Context, r *pb.AuthStatusRequest) (*pb.AuthStatusResponse, error)
	Authenticate(ctx context.Context, r *pb.AuthenticateRequest) (*pb.AuthenticateResponse, error)
	UserAdd(ctx context.Context, r *pb.AuthUserAddRequest) (*pb.AuthUserAddResponse, error)
	UserDelete(ctx context.Context, r *pb.AuthUserDeleteRequest) (*pb.AuthUserDeleteResponse, error)
	UserChangePassword(ctx context.Context, r *pb.AuthUserChangePasswordRequest) (*pb.AuthUserChangePasswordResponse, error)
	UserGrantRole(ctx context.Context, r *pb.AuthUserGrantRoleRequest) (*pb.AuthUserGrantRoleResponse, error)
	UserGet(ctx context.Context, r *pb.AuthUserGetRequest) (*pb.AuthUserGetResponse, error)
	UserRevokeRole(ctx context.Context, r *pb.AuthUserRevokeRoleRequest) (*pb.AuthUserRevokeRoleResponse, error)
	RoleAdd(ctx context.Context, r *pb.AuthRoleAddRequest) (*pb.AuthRoleAddResponse, error)
	RoleGrantPermission(ctx context.Context, r *pb.AuthRoleGrantPermissionRequest) (*pb.AuthRoleGrantPermissionResponse, error)
	RoleGet(ctx context.Context, r *pb.AuthRoleGetRequest) (*pb.AuthRoleGetResponse, error)
	RoleRevokePermission(ctx context.Context, r *pb.AuthRoleRevokePermissionRequest) (*pb.AuthRoleRevokePermissionResponse, error)
	RoleDelete(ctx context.Context, r *pb.AuthRoleDeleteRequest) (*pb.AuthRoleDeleteResponse, error)
	UserList(ctx context.Context, r *pb.AuthUserListRequest) (*pb.AuthUserListResponse, error)
	RoleList(ctx context.Context, r *pb.AuthRoleListRequest) (*pb.AuthRoleListResponse, error)
}

// authServer serves etcdserverpb.Auth. Its handlers only translate errors: apply
// returns the replies with their headers filled.
type authServer struct {
	authenticator Authenticator
	// If upstream adds a method to the service, this package must not compile.
	pb.UnsafeAuthServer
}

func newAuthServer(s Server) *authServer { return &authServer{authenticator: s} }

// AuthEnable always returns an error: see etcdserver.(*EtcdServer).AuthEnable.
func (as *authServer) AuthEnable(ctx context.Context, r *pb.AuthEnableRequest) (*pb.AuthEnableResponse, error) {
	return ask(ctx, r, as.authenticator.AuthEnable)
}

// AuthDisable switches authentication off.
func (as *authServer) AuthDisable(ctx context.Context, r *pb.AuthDisableRequest) (*pb.AuthDisableResponse, error) {
	return ask(ctx, r, as.authenticator.AuthDisable)
}

// AuthStatus reports whether authentication is on.
func (as *authServer) AuthStatus(ctx context.Context, r *pb.AuthStatusRequest) (*pb.AuthStatusResponse, error) {
	return ask(ctx, r, as.authenticator.AuthStatus)
}

// Authenticate would exchange a password for a token. It returns
// rpctypes.ErrGRPCAuthNotEnabled, since authentication cannot be switched on.
func (as *authServer) Authenticate(ctx context.Context, r *pb.AuthenticateRequest) (*pb.AuthenticateResponse, error) {
	return ask(ctx, r, as.authenticator.Authenticate)
}

// UserAdd adds a user.
func (as *authServer) UserAdd(ctx context.Context, r *pb.AuthUserAddRequest) (*pb.AuthUserAddResponse, error) {
	return ask(ctx, r, as.authenticator.UserAdd)
}

// UserGet returns the names of a user's roles.
func (as *authServer) UserGet(ctx context.Context, r *pb.AuthUserGetRequest) (*pb.AuthUserGetResponse, error) {
	return ask(ctx, r, as.authenticator.UserGet)
}

// UserList returns the names of all users.
func (as *authServer) UserList(ctx context.Context, r *pb.AuthUserListRequest) (*pb.AuthUserListResponse, error) {
	return ask(ctx, r, as.authenticator.UserList)
}

// UserDelete removes a user.
func (as *authServer) UserDelete(ctx context.Context, r *pb.AuthUserDeleteRequest) (*pb.AuthUserDeleteResponse, error) {
	return ask(ctx, r, as.authenticator.UserDelete)
}

// UserChangePassword changes a user's password.
func (as *authServer) UserChangePassword(
	ctx context.Context, r *pb.AuthUserChangePasswordRequest,
) (*pb.AuthUserChangePasswordResponse, error) {
	return ask(ctx, r, as.authenticator.UserChangePassword)
}

// UserGrantRole gives a user a role.
func (as *authServer) UserGrantRole(
	ctx context.Context, r *pb.AuthUserGrantRoleRequest,
) (*pb.AuthUserGrantRoleResponse, error) {
	return ask(ctx, r, as.authenticator.UserGrantRole)
}

// UserRevokeRole takes a role from a user.
func (as *authServer) UserRevokeRole(
	ctx context.Context, r *pb.AuthUserRevokeRoleRequest,
) (*pb.AuthUserRevokeRoleResponse, error) {
	return ask(ctx, r, as.authenticator.UserRevokeRole)
}

// RoleAdd adds a role.
func (as *authServer) RoleAdd(ctx context.Context, r *pb.AuthRoleAddRequest) (*pb.AuthRoleAddResponse, error) {
	return ask(ctx, r, as.authenticator.RoleAdd)
}

// RoleGet returns a role's permissions.
func (as *authServer) RoleGet(ctx context.Context, r *pb.AuthRoleGetRequest) (*pb.AuthRoleGetResponse, error) {
	return ask(ctx, r, as.authenticator.RoleGet)
}

// RoleList returns the names of all roles.
func (as *authServer) RoleList(ctx context.Context, r *pb.AuthRoleListRequest) (*pb.AuthRoleListResponse, error) {
	return ask(ctx, r, as.authenticator.RoleList)
}

// RoleDelete removes a role.
func (as *authServer) RoleDelete(ctx context.Context, r *pb.AuthRoleDeleteRequest) (*pb.AuthRoleDeleteResponse, error) {
	return ask(ctx, r, as.authenticator.RoleDelete)
}

// RoleGrantPermission gives a role a permission on a range of keys.
func (as *authServer) RoleGrantPermission(
	ctx context.Context, r *pb.AuthRoleGrantPermissionRequest,
) (*pb.AuthRoleGrantPermissionResponse, error) {
	return ask(ctx, r, as.authenticator.RoleGrantPermission)
}

// RoleRevokePermission takes a permission from a role.
func (as *authServer) RoleRevokePermission(
	ctx context.Context, r *pb.AuthRoleRevokePermissionRequest,
) (*pb.AuthRoleRevokePermissionResponse, error) {
	return ask(ctx, r, as.authenticator.RoleRevokePermission)
}
