package etcdserver

import "go.uber.org/zap"

// raftLogger gives raft's log lines to zap. The two names are all that differs.
type raftLogger struct{ *zap.SugaredLogger }

func newRaftLogger(lg *zap.Logger) raftLogger {
	return raftLogger{lg.Named("raft").Sugar()}
}

// Warning stands for raft.Logger's method of that name.
func (l raftLogger) Warning(v ...any) { l.Warn(v...) }

// Warningf stands for raft.Logger's method of that name.
func (l raftLogger) Warningf(format string, v ...any) { l.Warnf(format, v...) }
