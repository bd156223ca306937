package etcdserver

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// cleanupTimeout is how long a failed NewServer may take to close its files.
const cleanupTimeout = time.Second

// failure holds the first error after which the member cannot go on. etcd ends the
// process at such an error; here the member stops, and its user gets the error from
// Fatal.
type failure struct {
	once sync.Once
	err  error      // set before failed is closed
	c    chan error // yields err once
	// failed is closed with the first error.
	failed chan struct{}
	// broken is closed when a package of etcd has failed and may have left a lock
	// held. From then on nothing may wait for that package.
	brokenOnce sync.Once
	broken     chan struct{}
}

func newFailure() *failure {
	return &failure{
		c:      make(chan error, 1),
		failed: make(chan struct{}),
		broken: make(chan struct{}),
	}
}

// report records err if it is the first error.
func (f *failure) report(err error) {
	f.once.Do(func() {
		f.err = err
		f.c <- err
		close(f.failed)
	})
}

// guard returns a logger for etcd's packages, such as the backend and the WAL. If one of
// them cannot go on, such as a backend that cannot commit to a full disk, it logs the
// error as fatal or panic and relies on the logger not to return. This logger reports the
// error and ends the goroutine that logged it, instead of the process.
func (f *failure) guard(lg *zap.Logger) *zap.Logger {
	return lg.WithOptions(
		zap.WithFatalHook(guardHook{f}),
		zap.WithPanicHook(guardHook{f}),
		zap.WrapCore(func(c zapcore.Core) zapcore.Core { return belowPanic{c} }),
	)
}

// belowPanic drops log lines of level panic and above. They become the error that
// the command prints, once and without a stack trace.
type belowPanic struct{ zapcore.Core }

// Enabled implements zapcore.LevelEnabler.
func (c belowPanic) Enabled(l zapcore.Level) bool {
	return l < zapcore.PanicLevel && c.Core.Enabled(l)
}

// With implements zapcore.Core.
func (c belowPanic) With(fields []zapcore.Field) zapcore.Core {
	return belowPanic{c.Core.With(fields)}
}

// Check implements zapcore.Core.
func (c belowPanic) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if e.Level >= zapcore.PanicLevel {
		return ce
	}
	return c.Core.Check(e, ce)
}

// guardHook reports a fatal log line to f.
type guardHook struct{ f *failure }

// OnWrite implements zapcore.CheckWriteHook. It does not return: it ends the
// goroutine that logged.
func (h guardHook) OnWrite(ce *zapcore.CheckedEntry, fields []zapcore.Field) {
	h.f.report(loggedError(ce.Message, fields))
	h.f.brokenOnce.Do(func() { close(h.f.broken) })
	runtime.Goexit()
}

// loggedError makes an error of a log line. It wraps the error among the line's
// fields and leaves out "failed to", which an error need not say.
func loggedError(msg string, fields []zapcore.Field) error {
	msg = strings.TrimPrefix(msg, "failed to ")
	for _, field := range fields {
		if err, ok := field.Interface.(error); ok {
			return fmt.Errorf("%s: %w", msg, err)
		}
	}
	return errors.New(msg)
}

// happened reports whether there was an error.
func (f *failure) happened() bool {
	select {
	case <-f.failed:
		return true
	default:
		return false
	}
}

// run calls build on a goroutine of its own and returns what build returns. If a
// package of etcd fails during build, the logger of guard ends the failed goroutine,
// which is not the caller's, and run returns the error.
func run[T any](f *failure, build func() (T, error)) (T, error) {
	var (
		v    T
		err  error
		done = make(chan struct{})
	)
	go func() {
		defer close(done)
		v, err = build()
	}()
	select {
	case <-done:
	case <-f.broken:
		// If build's own goroutine has ended, its deferred calls close the files
		// now. If build waits for another goroutine that has ended, it waits for
		// ever.
		select {
		case <-done:
		case <-time.After(cleanupTimeout):
		}
	}
	if f.happened() {
		var none T
		return none, f.err
	}
	return v, err
}
