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
	var enc zapcore.Encoder
	switch format {
	case logutil.JSONLogFormat:
		enc = zapcore.NewJSONEncoder(logutil.DefaultZapLoggerConfig.EncoderConfig)
	case logutil.ConsoleLogFormat:
		enc = zapcore.NewConsoleEncoder(consoleConfig(isTerminal(w), lvl))
	default:
		return nil, fmt.Errorf("--log-format %q: use console or json", format)
	}
	return zap.New(zapcore.NewCore(enc, zapcore.Lock(zapcore.AddSync(w)), lvl), zap.AddCaller()), nil
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
