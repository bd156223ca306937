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

// newLogger returns a logger that writes to w: lines for people with format
// console, etcd's JSON with json. It has no stack traces; an error says by itself
// where it comes from.
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

// withoutBolt leaves out what bbolt tells of its files. Whatever of it matters
// comes back as an error, and is told once, where it is understood.
type withoutBolt struct{ zapcore.Core }

// Check stands for zapcore.Core. An entry that ends the goroutine is never left
// out.
func (c withoutBolt) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if e.LoggerName == "bbolt" && e.Level < zapcore.DPanicLevel {
		return ce
	}
	return c.Core.Check(e, ce)
}

// With stands for zapcore.Core.
func (c withoutBolt) With(fields []zapcore.Field) zapcore.Core {
	return withoutBolt{c.Core.With(fields)}
}

// consoleConfig is for reading along: the time of day, the level, the sentence,
// its fields. Where in the source a line comes from helps only those who debug.
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

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
