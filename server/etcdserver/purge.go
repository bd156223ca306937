package etcdserver

import (
	"time"

	"go.etcd.io/etcd/client/pkg/v3/fileutil"
	"go.uber.org/zap"
)

// purgeFileInterval is how often superfluous files are looked for.
const purgeFileInterval = 30 * time.Second

// purgeFile removes the oldest log and snapshot files beyond the number that is
// to be kept. Log files that may still be needed are locked, and left alone.
func (s *EtcdServer) purgeFile() {
	snapDone, snapErr := fileutil.PurgeFileWithoutFlock(
		s.lg, s.cfg.snapDir(), "snap", s.cfg.MaxSnapFiles, purgeFileInterval, s.life.stopping)
	walDone, walErr := fileutil.PurgeFileWithDoneNotify(
		s.lg, s.cfg.walDir(), "wal", s.cfg.MaxWALFiles, purgeFileInterval, s.life.stopping)
	<-snapDone
	<-walDone
	for _, errc := range []<-chan error{snapErr, walErr} {
		select {
		case err := <-errc:
			s.lg.Error("purge files", zap.Error(err))
		default:
		}
	}
}
