package show

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"glasskv/trace"
	"glasskv/walkthrough/lang"
)

func parse(t *testing.T, args ...string) (*Flags, error) {
	t.Helper()
	f := New()
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	f.AddFlags(fs)
	return f, fs.Parse(args)
}

func TestTheLanguageComesFromTheLocaleUnlessItIsGiven(t *testing.T) {
	t.Setenv("LC_ALL", "zh_CN.UTF-8")
	if f, err := parse(t); err != nil || f.Lang() != lang.ZH {
		t.Errorf("by the locale: %s, %v", f.Lang(), err)
	}
	if f, err := parse(t, "--lang", "en"); err != nil || f.Lang() != lang.EN {
		t.Errorf("by the flag: %s, %v", f.Lang(), err)
	}
}

func TestValuesAreCheckedWhenTheyAreParsed(t *testing.T) {
	for _, c := range []struct{ flag, value, want string }{
		{"--output", "yaml", "use text or json"},
		{"--lang", "fr", "use " + lang.Or(lang.Names())},
		{"--color", "red", "use auto, always or never"},
		{"--width", "wide", "use a number of columns"},
		{"--width", "-1", "use a number of columns"},
	} {
		if _, err := parse(t, c.flag, c.value); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s: %v, want %q", c.flag, c.value, err, c.want)
		}
	}
}

func TestATimelineIsPrintedAsTheFlagsSay(t *testing.T) {
	tl := &trace.Timeline{Method: "/etcdserverpb.KV/Put", Code: "OK", DurationNS: 1000}
	trace.FillLedger(tl)
	for _, c := range []struct {
		args []string
		has  string
	}{
		{[]string{"--lang", "en"}, "OK"},
		{[]string{"--color", "always"}, "\x1b["},
	} {
		f, err := parse(t, c.args...)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := f.Print(&out, tl); err != nil || !strings.Contains(out.String(), c.has) {
			t.Errorf("%v: %v, no %q in\n%s", c.args, err, c.has, out.String())
		}
	}
	f, err := parse(t, "--output", "json")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	var back trace.Timeline
	if err := f.Print(&out, tl); err != nil || json.Unmarshal(out.Bytes(), &back) != nil || back.DurationNS != 1000 {
		t.Errorf("as JSON: %v, %s", err, out.String())
	}
}
