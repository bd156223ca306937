package etcdserver

import (
	"context"
	"slices"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/auth"
	"go.etcd.io/etcd/server/v3/storage/schema"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

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
