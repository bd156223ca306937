package lesson

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"

	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/show"
	"glasskv/walkthrough/walk/prose"
)

// teacherPage is a teacher's page as programs read it.
type teacherPage struct {
	Lesson  string `json:"lesson"`
	Teacher string `json:"teacher"` // Markdown
}

// writeTeacher prints the page for whoever gives a lesson.
func writeTeacher(w io.Writer, l *Lesson, f *show.Flags) error {
	page := cmp.Or(l.teacher[f.Lang()], l.teacher[lang.EN])
	if page == "" {
		return fmt.Errorf("lesson %s has no teacher's page", l.Name)
	}
	if f.JSON() {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(teacherPage{l.Name, page}); err != nil {
			return fmt.Errorf("write: %w", err)
		}
		return nil
	}
	o := f.Screen(w)
	out := screen.NewWriter(w, o)
	for _, line := range prose.Lines(page, min(o.Columns(w), mostText)) {
		out.Line(line)
	}
	return out.Close()
}
