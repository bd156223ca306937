package verdict

import (
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/timelinetest"
)

// Each story in testdata tells a request; the verdict follows in both
// languages, and below it what one is sent to read.
func TestVerdicts(t *testing.T) {
	datadriven.RunTest(t, "testdata/verdicts", func(t *testing.T, d *datadriven.TestData) string {
		tl, err := timelinetest.Parse(d.Input)
		if err != nil {
			d.Fatalf(t, "%v", err)
		}
		en, zh := Of(tl, lang.EN), Of(tl, lang.ZH)
		if en.Explain != zh.Explain {
			t.Errorf("%s: to be explained in English %q, in Chinese %q", d.Pos, en.Explain, zh.Explain)
		}
		return strings.Join([]string{
			Operation(tl, lang.EN) + " | " + Operation(tl, lang.ZH),
			en.Sentence, zh.Sentence, "→ " + en.Explain,
		}, "\n") + "\n"
	})
}
