package command

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"glasskv/trace/stages"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/lang"
)

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
