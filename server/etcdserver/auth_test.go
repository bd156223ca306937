package etcdserver

import (
	"errors"
	"testing"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/auth"
)

// addRoot makes the user without whom authentication cannot be switched on.
func addRoot(t *testing.T, s *EtcdServer) {
	t.Helper()
	ctx := testContext(t)
	_, err := s.UserAdd(ctx, &pb.AuthUserAddRequest{Name: root, Options: nil, Password: "secret"})
	if err != nil {
		t.Fatalf("add user: %v", err)
	}
	if _, err := s.RoleAdd(ctx, &pb.AuthRoleAddRequest{Name: root}); err != nil {
		t.Fatalf("add role: %v", err)
	}
	if _, err := s.UserGrantRole(ctx, &pb.AuthUserGrantRoleRequest{User: root, Role: root}); err != nil {
		t.Fatalf("grant role: %v", err)
	}
}

// Nobody is told that the keys are protected, whatever was prepared for it.
func TestAuthenticationIsNotPromised(t *testing.T) {
	s, ctx := startServer(t, testConfig(t, t.TempDir()), Seams{}), testContext(t)
	_, err := s.AuthEnable(ctx, &pb.AuthEnableRequest{})
	wantErr(t, err, auth.ErrRootUserNotExist)
	addRoot(t, s)
	_, err = s.AuthEnable(ctx, &pb.AuthEnableRequest{})
	wantErr(t, err, ErrAuthNotEnforced)
	_, err = s.Authenticate(ctx, &pb.AuthenticateRequest{Name: root, Password: "secret"})
	wantErr(t, err, auth.ErrAuthNotEnabled)

	status, err := s.AuthStatus(ctx, &pb.AuthStatusRequest{})
	if err != nil || status.Enabled || status.Header.GetMemberId() != uint64(s.MemberID()) {
		t.Errorf("status: %v, %v", status, err)
	}
}

// Users and roles survive a restart; the password is nowhere but in a hash.
func TestUsersSurviveARestart(t *testing.T) {
	cfg := testConfig(t, t.TempDir())
	s := startServer(t, cfg, Seams{})
	addRoot(t, s)
	s.Stop()

	s = startServer(t, cfg, Seams{})
	user, err := s.UserGet(testContext(t), &pb.AuthUserGetRequest{Name: root})
	if err != nil || len(user.Roles) != 1 || user.Roles[0] != root {
		t.Errorf("after a restart: %v, %v", user, err)
	}
}

// Another server may have logged, and not yet applied, that authentication is to
// be on. The member ends before that entry, and again at each start: what follows
// it was written under protection.
func TestLoggedAuthEnableStopsTheMember(t *testing.T) {
	cfg := testConfig(t, t.TempDir())
	s := startServer(t, cfg, Seams{})
	addRoot(t, s)
	_, err := s.raftRequest(testContext(t), &pb.InternalRaftRequest{AuthEnable: &pb.AuthEnableRequest{}})
	if err == nil {
		t.Fatal("authentication was switched on")
	}
	wantErr(t, <-s.Fatal(), ErrAuthEnabled)
	<-s.StopNotify()

	again, err := NewServer(cfg, Seams{})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(again.HardStop)
	again.Start()
	select {
	case err := <-again.Fatal():
		if !errors.Is(err, ErrAuthEnabled) {
			t.Errorf("it ended with %v", err)
		}
	case <-again.ReadyNotify():
		t.Error("the directory is served openly")
	case <-testContext(t).Done():
		t.Error("it neither ended nor became ready")
	}
}
