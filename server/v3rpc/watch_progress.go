package v3rpc

import (
	"math/rand/v2"
	"time"

	"go.uber.org/zap"
)

// Watchers that ask for it are told how far they are when nothing has happened
// to their keys for a while, so that after a lost connection they need not start
// from a revision that is long compacted.
const (
	// DefaultWatchProgressNotifyInterval is etcd's.
	DefaultWatchProgressNotifyInterval = 10 * time.Minute
	minWatchProgressInterval           = 100 * time.Millisecond
)

// progressInterval is the configured interval within its bounds.
func progressInterval(cfg Config) time.Duration {
	interval := cfg.WatchProgressNotifyInterval
	if interval <= 0 {
		return DefaultWatchProgressNotifyInterval
	}
	if interval < minWatchProgressInterval {
		cfg.Logger.Warn("raised the watch progress notify interval to its minimum",
			zap.Duration("given", interval), zap.Duration("minimum", minWatchProgressInterval))
		return minWatchProgressInterval
	}
	return interval
}

// jittered adds up to a tenth. Streams are often opened at the same moment, after
// a restart, and should not all be told at the same moment ever after.
func jittered(interval time.Duration) time.Duration {
	return interval + rand.N(interval/10)
}

// progressC ticks when progress is due; it is nil, and never ticks, while no
// watcher wants to know.
func (s *watchSender) progressC() <-chan time.Time {
	if s.progress == nil {
		return nil
	}
	return s.progress.C
}

// requestProgress has the store say how far those watchers are that had no
// event since the last tick. The answer comes through the store's channel, after
// the events that it covers.
func (sws *serverWatchStream) requestProgress() {
	s := &sws.sending
	for id, w := range s.watchers {
		if !w.progressNotify {
			continue
		}
		if w.progressDue {
			sws.watchStream.RequestProgress(id)
		}
		w.progressDue = true
		s.watchers[id] = w
	}
}
