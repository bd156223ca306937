package walk

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"glasskv/trace"
	"glasskv/walkthrough/source"
)

// The standard library is that of the Go release at hand. Where it is another one than
// the chapter was written for, both the text and the screen say so.
func TestCodeThatTheChapterIsNotAboutIsToldApart(t *testing.T) {
	std := t.TempDir()
	if err := os.Mkdir(filepath.Join(std, "net"), 0o700); err != nil {
		t.Fatal(err)
	}
	const other = "package net\n\nfunc (fd *netFD) accept() { panic(\"another release\") }\n"
	if err := os.WriteFile(filepath.Join(std, "net", "fd_unix.go"), []byte(other), 0o600); err != nil {
		t.Fatal(err)
	}
	const remark = "The chapter was written for go1."
	request := parse(t, "request /etcdserverpb.KV/Put OK 1.14ms observer=client conn=1\nnet.accept 31us 52us\n")
	for _, says := range []bool{false, true} {
		o := newOptions(t.Context(), t)
		if says {
			o.Library = source.New(source.Places{Std: std})
		}
		var out bytes.Buffer
		o.Out = &out
		if err := o.eachTour(&origin{requests: []*trace.Timeline{request}}, writePlain); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(out.String(), remark) != says {
			t.Errorf("the text, want it to say so: %v\n%s", says, out.String())
		}
		s := newStory(t)
		s.model = newModel(t.Context(), o, s.requests)
		s.model.begin(request)
		s.send(tea.WindowSizeMsg{Width: 120, Height: 40})
		if strings.Contains(s.look(), remark) != says {
			t.Errorf("the screen, want it to say so: %v\n%s", says, s.look())
		}
	}
}
