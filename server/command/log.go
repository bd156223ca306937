package command

import (
	"fmt"
	"io"
	"os"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/term"

	"go.etcd.io/etcd/client/pkg/v3/logutil"
)

// newLogger returns a logger that writes to w: lines for people if format is console,
// etcd's JSON if it is json. It writes no stack traces. Its errors name the flag that
// is wrong.
func newLogger(w io.Writer, level, format string) (*zap.Logger, error) {
	lvl, err := zapcore.ParseLevel(level)
	if err != nil {
		return nil, fmt.Errorf("--log-level %q: use debug, info, warn, error, panic or fatal", level)
	}
	sink := zapcore.Lock(zapcore.AddSync(w))
	var core zapcore.Core
	switch format {
	case logutil.JSONLogFormat:
		core = zapcore.NewCore(zapcore.NewJSONEncoder(logutil.DefaultZapLoggerConfig.EncoderConfig), sink, lvl)
	case logutil.ConsoleLogFormat:
		core = zapcore.NewCore(zapcore.NewConsoleEncoder(consoleConfig(isTerminal(w), lvl)), sink, lvl)
		if lvl > zapcore.DebugLevel {
			core = withoutBolt{core}
		}
	default:
		return nil, fmt.Errorf("--log-format %q: use console or json", format)
	}
	return zap.New(core, zap.AddCaller()), nil
}

// withoutBolt drops bbolt's log entries, which are about its files. Errors that matter
// are returned to bbolt's caller, which reports them.
type withoutBolt struct{ zapcore.Core }

// Check implements zapcore.Core. It keeps entries that end the goroutine.
func (c withoutBolt) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if e.LoggerName == "bbolt" && e.Level < zapcore.DPanicLevel {
		return ce
	}
	return c.Core.Check(e, ce)
}

// With implements zapcore.Core.
func (c withoutBolt) With(fields []zapcore.Field) zapcore.Core {
	return withoutBolt{c.Core.With(fields)}
}

// consoleConfig returns the format for people: time of day, level, sentence, fields,
// and with level debug the place in the source.
func consoleConfig(terminal bool, level zapcore.Level) zapcore.EncoderConfig {
	cfg := logutil.DefaultZapLoggerConfig.EncoderConfig
	cfg.EncodeTime = zapcore.TimeEncoderOfLayout("15:04:05.000")
	cfg.EncodeLevel = zapcore.CapitalLevelEncoder
	cfg.ConsoleSeparator = "  "
	if terminal && os.Getenv("NO_COLOR") == "" {
		cfg.EncodeLevel = zapcore.CapitalColorLevelEncoder
	}
	if level > zapcore.DebugLevel {
		cfg.CallerKey = zapcore.OmitKey
	}
	return cfg
}

// isTerminal reports whether w is a terminal.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
