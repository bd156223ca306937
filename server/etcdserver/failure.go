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

// cleanupTimeout is how long a failed start may take to close its files.
const cleanupTimeout = time.Second

// failure holds the one error that ended the member. etcd answers such an error
// by ending the process from within; here the member stops and the command
// decides.
type failure struct {
	once sync.Once
	err  error
	c    chan error
	// failed is closed with the first error.
	failed chan struct{}
	// broken is closed when the error came out of a part below that may have
	// left a lock held. Nobody may wait for that part any more.
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

// report records err, unless there was an error before it.
func (f *failure) report(err error) {
	f.once.Do(func() {
		f.err = err
		f.c <- err
		close(f.failed)
	})
}

// guard returns a logger for the parts below. They log as fatal, or as panic,
// what they cannot survive, such as a backend that cannot commit to a full disk,
// and count on not getting control back.
func (f *failure) guard(lg *zap.Logger) *zap.Logger {
	return lg.WithOptions(
		zap.WithFatalHook(guardHook{f}),
		zap.WithPanicHook(guardHook{f}),
		zap.WrapCore(func(c zapcore.Core) zapcore.Core { return belowPanic{c} }),
	)
}

// belowPanic keeps the lines that end the member out of the log. They become the
// error that the command prints, once and without a stack trace.
type belowPanic struct{ zapcore.Core }

// Enabled stands for zapcore.LevelEnabler.
func (c belowPanic) Enabled(l zapcore.Level) bool {
	return l < zapcore.PanicLevel && c.Core.Enabled(l)
}

// With stands for zapcore.Core.
func (c belowPanic) With(fields []zapcore.Field) zapcore.Core {
	return belowPanic{c.Core.With(fields)}
}

// Check stands for zapcore.Core.
func (c belowPanic) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if e.Level >= zapcore.PanicLevel {
		return ce
	}
	return c.Core.Check(e, ce)
}

// guardHook ends the goroutine that logged, instead of the process.
type guardHook struct{ f *failure }

// OnWrite stands for zapcore.CheckWriteHook.
func (h guardHook) OnWrite(ce *zapcore.CheckedEntry, fields []zapcore.Field) {
	h.f.report(loggedError(ce.Message, fields))
	h.f.brokenOnce.Do(func() { close(h.f.broken) })
	runtime.Goexit()
}

// loggedError makes an error of a log line, around the error among its fields.
// That something failed is what an error says anyway.
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

// run calls build on a goroutine of its own, so that a guarded part that fails
// ends that goroutine and not the caller's.
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
		// If it was build itself that ended it is about to give its files back;
		// if it waits for another goroutine that ended, it waits for ever.
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
