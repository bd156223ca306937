package command

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"go.uber.org/zap"
)

func TestLogForPeople(t *testing.T) {
	var out bytes.Buffer
	lg, err := newLogger(&out, "info", "console")
	if err != nil {
		t.Fatal(err)
	}
	lg.Info("listening", zap.String("address", "here"))
	lg.Debug("not asked for")
	lg.With(zap.Int("n", 1)).Named("bbolt").Error("opening db file")
	text := out.String()
	if !strings.Contains(text, "INFO  listening  {\"address\": \"here\"}") {
		t.Errorf("not to be read along: %q", text)
	}
	for _, no := range []string{"not asked for", "opening db file", "\x1b", "log_test.go"} {
		if strings.Contains(text, no) {
			t.Errorf("the log has %q: %q", no, text)
		}
	}
}

func TestLogForMachinesHasEtcdsFields(t *testing.T) {
	var out bytes.Buffer
	lg, err := newLogger(&out, "debug", "json")
	if err != nil {
		t.Fatal(err)
	}
	lg.Named("bbolt").Warn("slow", zap.Int("ms", 7))
	var entry struct {
		Level, TS, Logger, Caller, Msg string
		MS                             int
	}
	if err := json.Unmarshal(out.Bytes(), &entry); err != nil {
		t.Fatalf("%v: %q", err, out.String())
	}
	if entry.Level != "warn" || entry.TS == "" || entry.Logger != "bbolt" || entry.Msg != "slow" || entry.MS != 7 ||
		!strings.Contains(entry.Caller, "log_test.go") {
		t.Errorf("got %+v", entry)
	}
}
