package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"glasskv/trace/stages"
	"glasskv/walkthrough/branch"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/lang"
)

// run executes a command line and returns what it printed.
func run(t *testing.T, cmd *cobra.Command, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, side bytes.Buffer
	cmd.SetArgs(args)
	cmd.SetIn(strings.NewReader(""))
	cmd.SetOut(&out)
	cmd.SetErr(&side)
	ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
	defer cancel()
	err = cmd.ExecuteContext(ctx)
	return out.String(), side.String(), err
}

func TestExplainTellsOfAStageInBothLanguages(t *testing.T) {
	spec := stages.SpecOf(stages.WALSync)
	for _, language := range []lang.Lang{lang.EN, lang.ZH} {
		text := chapter.TextOf(spec.Stage, language)
		out, _, err := run(t, NewExplainCommand(), "wal.sync", "--lang", string(language), "--width", "200")
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"wal.sync", text.Note, text.Do, spec.Metric, spec.Upstream.String(), spec.Seam} {
			if !strings.Contains(unwrapped(out), unwrapped(want)) {
				t.Errorf("--lang %s does not say %q:\n%s", language, want, out)
			}
		}
	}
}

// unwrapped takes away the blanks, for it does not matter where a line breaks.
func unwrapped(text string) string { return strings.Join(strings.Fields(text), "") }

func TestExplainAsJSON(t *testing.T) {
	out, _, err := run(t, NewExplainCommand(), "raft.commit", "--output", "json")
	if err != nil {
		t.Fatal(err)
	}
	var stage struct{ Stage, Kind, What string }
	if err := json.Unmarshal([]byte(out), &stage); err != nil {
		t.Fatal(err)
	}
	if stage.Stage != "raft.commit" || stage.Kind != "consensus" || stage.What == "" {
		t.Errorf("%+v", stage)
	}
}

func TestExplainOffersWhatWasMeant(t *testing.T) {
	for typed, want := range map[string]string{
		"wal.snyc":    "did you mean wal.sync?",
		"flow-contrl": "did you mean flow-control",
		"\x1b[31m":    `"\x1b[31m"`,
	} {
		out, _, err := run(t, NewExplainCommand(), typed)
		if err == nil || !strings.Contains(err.Error(), want) || out != "" {
			t.Errorf("explain %q: %v, printed %q", typed, err, out)
		}
	}
	for _, args := range [][]string{{}, {"wal.sync", "wal.save"}, {"wal.sync", "--frobnicate"}, {"wal.sync", "--lang", "fr"}} {
		if _, _, err := run(t, NewExplainCommand(), args...); err == nil {
			t.Errorf("explain %q succeeded", args)
		}
	}
}

func TestTheShellCompletesStages(t *testing.T) {
	names, directive := completeStage(nil, nil, "wal.")
	if len(names) != 2 || !strings.HasPrefix(names[0], "wal.save\t") || directive != cobra.ShellCompDirectiveNoFileComp {
		t.Errorf("%q, %v", names, directive)
	}
	if names, _ := completeStage(nil, []string{"wal.sync"}, ""); len(names) > 0 {
		t.Errorf("a second stage is offered: %q", names)
	}
}

func TestExplainPassesOnThatItCouldNotWrite(t *testing.T) {
	cmd := NewExplainCommand()
	cmd.SetArgs([]string{"wal.sync"})
	cmd.SetOut(failing{})
	if err := cmd.Execute(); err == nil {
		t.Error("no error")
	}
}

// failing is a full disk.
type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestExplainTellsOfABranchInBothLanguages(t *testing.T) {
	b, _ := branch.Find("flow-control")
	for language, text := range map[string]branch.Text{"en": b.In(lang.EN), "zh": b.In(lang.ZH)} {
		out, _, err := run(t, NewExplainCommand(), b.Name, "--lang", language, "--width", "200")
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{b.Name, text.Title, text.What, text.Client, text.Look, "glasskv demo " + b.Name} {
			if !strings.Contains(unwrapped(out), unwrapped(want)) {
				t.Errorf("--lang %s does not say %q:\n%s", language, want, out)
			}
		}
	}
	out, _, err := run(t, NewExplainCommand(), b.Name, "--output", "json")
	var read struct{ Branch, Stage, What string }
	if err := errors.Join(err, json.Unmarshal([]byte(out), &read)); err != nil {
		t.Fatal(err)
	}
	if read.Branch != b.Name || read.Stage != b.Stage.String() || read.What != b.In(lang.EN).What {
		t.Errorf("%+v", read)
	}
}

func TestExplainTellsHowARequestLooksOnTheDebugPages(t *testing.T) {
	for _, language := range []string{"en", "zh"} {
		out, _, err := run(t, NewExplainCommand(), "debug", "--lang", language)
		if err != nil {
			t.Fatal(err)
		}
		for _, page := range []string{"--listen-debug-url", "/debug/requests", "/debug/events", "/debug/channelz", "/debug/pprof"} {
			if !strings.Contains(out, page) {
				t.Errorf("--lang %s does not name %s", language, page)
			}
		}
	}
}

func TestStagesPrintsTheWholeCatalogue(t *testing.T) {
	out, _, err := run(t, NewStagesCommand(), "--width", "200", "--lang", "en")
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range stages.Specs() {
		if !strings.Contains(out, spec.Name) || spec.Seam != "" && !strings.Contains(out, chapter.TextOf(spec.Stage, lang.EN).Note) {
			t.Errorf("%s or its note is missing", spec.Name)
		}
	}
}

func TestStagesAsJSONIsOneObjectALine(t *testing.T) {
	out, _, err := run(t, NewStagesCommand(), "--output", "json")
	if err != nil {
		t.Fatal(err)
	}
	specs := stages.Specs()
	for line := range strings.Lines(out) {
		var stage struct{ Stage string }
		if err := json.Unmarshal([]byte(line), &stage); err != nil {
			t.Fatal(err)
		}
		if len(specs) == 0 || stage.Stage != specs[0].Name {
			t.Fatalf("unexpected %s", line)
		}
		specs = specs[1:]
	}
	if len(specs) > 0 {
		t.Errorf("%d stages are missing", len(specs))
	}
}

func TestTheReferenceIsWrittenIntoAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "stages.md")
	if out, _, err := run(t, NewStagesCommand(), "--lang", "zh", "--markdown", file); err != nil || out != "" {
		t.Fatalf("%v, printed %q", err, out)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), chapter.TextOf(stages.WALSync, lang.ZH).What) {
		t.Error("the reference is not in Chinese")
	}
	if _, _, err := run(t, NewStagesCommand(), "--markdown", filepath.Join(file, "no", "such", "place")); err == nil {
		t.Error("no error for a file that cannot be made")
	}
}
