package lesson

import (
	"encoding/json"
	"fmt"
	"io"

	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/show"
)

// listed is a lesson in the list, as programs read it.
type listed struct {
	Name    string `json:"name"`
	Title   string `json:"title"`
	TitleZH string `json:"title_zh"`
	Minutes int    `json:"minutes"`
}

// listedName is how many columns of the list the names take.
const listedName = 29

// writeList prints the lessons in their order.
func writeList(w io.Writer, all []*Lesson, f *show.Flags) error {
	if f.JSON() {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		for _, l := range all {
			if err := enc.Encode(listed{l.Name, l.Title.EN, l.Title.ZH, l.Minutes}); err != nil {
				return fmt.Errorf("write: %w", err)
			}
		}
		return nil
	}
	o := f.Screen(w)
	out, columns := screen.NewWriter(w, o), o.Columns(w)
	out.Line(screen.Strong.Paint(o.Lang.Pick("A course about the path of a request: `glasskv lesson NAME` plays one", "关于请求路径的一门课：`glasskv lesson 名字` 播放其中一课")))
	for _, l := range all {
		name, minutes := screen.Left(l.Name, listedName), o.Lang.Say("%d min", "%d 分钟", l.Minutes)
		for _, line := range screen.Wrap(l.Title.In(o.Lang), columns-listedName-12) {
			out.Line("  ", name, screen.Right(minutes, 7), "  ", screen.Dim.Paint(line))
			name, minutes = screen.Blank(listedName), ""
		}
	}
	out.Line()
	out.Line(screen.Dim.Paint(o.Lang.Pick("For whoever gives it: glasskv lesson --teacher NAME", "给讲课的人：glasskv lesson --teacher 名字")))
	return out.Close()
}
