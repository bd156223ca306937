package command

import (
	"errors"
	"fmt"
	"syscall"

	"glasskv/server/etcdserver"
	"glasskv/server/serve"
)

// remedies says what a person can do about an error of etcdserver, serve or the
// operating system. The error itself says what is wrong.
var remedies = []struct {
	err error
	do  string
}{
	{etcdserver.ErrDataDirNotWritable, "make it writable for this user, or choose another with --data-dir"},
	{etcdserver.ErrDataDirLocked, "stop that process, or choose another with --data-dir"},
	{etcdserver.ErrOtherMember, "start with the --name and --initial-advertise-peer-urls it was made with, or choose another with --data-dir"},
	{etcdserver.ErrOtherCluster, "start with the --initial-cluster and --initial-cluster-token it was made with, or choose another with --data-dir"},
	{etcdserver.ErrSingleMemberOnly, "give this member alone in --initial-cluster, with --initial-cluster-state new"},
	{etcdserver.ErrWALBehind, "restore member/wal and member/snap from one and the same backup; nothing was changed"},
	{etcdserver.ErrWALCorrupt, "restore the directory from a backup; nothing was changed"},
	{etcdserver.ErrBackendMissing, "restore member/wal and member/snap from one and the same backup"},
	{etcdserver.ErrAuthEnabled, "serve it with etcd, or switch authentication off there first"},
	{serve.ErrNoCertificate, "give --cert-file and --key-file, or --auto-tls"},
	{syscall.ENOSPC, "make room and start again; nothing that was acknowledged is lost"},
	{syscall.EFBIG, "raise the limit of the file size (ulimit -f) and start again; nothing that was acknowledged is lost"},
	{syscall.EIO, "the disk reported this, and the kernel's log may say more; nothing was acknowledged after it"},
}

// withRemedy adds to err what a person can do about it, if that is known. It returns
// nil for nil.
func withRemedy(err error) error {
	var le *serve.ListenError
	if errors.As(err, &le) {
		return listenRemedy(le)
	}
	for _, r := range remedies {
		if errors.Is(err, r.err) {
			return fmt.Errorf("%w; %s", err, r.do)
		}
	}
	return err
}

// listenRemedy returns the error for an address that cannot be listened on. It names
// the flag that chose the address.
func listenRemedy(le *serve.ListenError) error {
	flag := "--listen-" + le.For + "-urls"
	switch {
	case errors.Is(le, syscall.EADDRINUSE):
		return fmt.Errorf("%s is in use; choose another with %s, or stop the process that has it", le.URL.Host, flag)
	case errors.Is(le, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%s is not an address of this machine; choose one of its addresses with %s", le.URL.Host, flag)
	case errors.Is(le, syscall.EACCES):
		return fmt.Errorf("%s is not allowed to this user; choose a port above 1023 with %s", le.URL.Host, flag)
	}
	return fmt.Errorf("%w; choose another with %s", le, flag)
}
