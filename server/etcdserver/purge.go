package etcdserver

import (
	"time"

	"go.etcd.io/etcd/client/pkg/v3/fileutil"
	"go.uber.org/zap"
)

// purgeFileInterval is how often superfluous files are looked for.
const purgeFileInterval = 30 * time.Second

// purgeSnapFiles removes the oldest snapshot files beyond the number that is to
// be kept.
func (s *EtcdServer) purgeSnapFiles() {
	done, errc := fileutil.PurgeFileWithoutFlock(
		s.lg, s.cfg.snapDir(), "snap", s.cfg.MaxSnapFiles, purgeFileInterval, s.life.stopping)
	s.awaitPurge(done, errc)
}

// purgeWALFiles does the same for the log. A file that may still be needed is
// locked, and left alone.
func (s *EtcdServer) purgeWALFiles() {
	done, errc := fileutil.PurgeFileWithDoneNotify(
		s.lg, s.cfg.walDir(), "wal", s.cfg.MaxWALFiles, purgeFileInterval, s.life.stopping)
	s.awaitPurge(done, errc)
}

// awaitPurge returns when the purging has ended. An error ends it early; the
// member goes on, with files that nobody needs.
func (s *EtcdServer) awaitPurge(done <-chan struct{}, errc <-chan error) {
	<-done
	select {
	case err := <-errc:
		s.lg.Error("purge files", zap.Error(err))
	default:
	}
}
