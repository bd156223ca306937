package lesson

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"glasskv/walkthrough/demo"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/show"
	"glasskv/walkthrough/walk/prose"
)

// flags are the flags of `glasskv lesson`.
type flags struct {
	auto, all     bool
	file, teacher string
	show          *show.Flags
}

// NewCommand returns `glasskv lesson`.
func NewCommand() *cobra.Command {
	f := &flags{show: show.New()}
	cmd := &cobra.Command{
		Use:   "lesson [NAME]",
		Short: "A course about the path of a request, played live",
		Long: "List the lessons of the course, or play one: it starts a server in this process, on free ports and\n" +
			"a real disk, makes real requests, asks for predictions, and shows the results.\n\n" +
			"With --auto it asks for nothing, and fails if the run does not show what the lesson claims.",
		Example: "  glasskv lesson\n  glasskv lesson group-commit\n  glasskv lesson --teacher group-commit --lang zh\n" +
			"  glasskv lesson --all --auto\n  glasskv lesson --file ./my-lesson",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			all, err := All()
			if err != nil {
				return err
			}
			chosen, err := f.choose(all, args)
			if err != nil {
				return err
			}
			switch {
			case f.teacher != "":
				return writeTeacher(cmd.OutOrStdout(), chosen[0], f.show)
			case len(chosen) == 0:
				return writeList(cmd.OutOrStdout(), all, f.show)
			}
			return show.UntilSignal(cmd.Context(), "the lesson", func(ctx context.Context) error {
				return f.play(ctx, cmd, chosen)
			})
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.BoolVar(&f.auto, "auto", false, "do not ask for predictions, and fail if a claim does not hold")
	fs.BoolVar(&f.all, "all", false, "play all lessons in order")
	fs.StringVar(&f.file, "file", "", "play a lesson of your own: its folder, or its lesson.yaml")
	fs.StringVar(&f.teacher, "teacher", "", "print the teacher's page of the lesson with this name")
	f.show.AddFlags(fs)
	cmd.ValidArgsFunction = completeNames
	_ = cmd.RegisterFlagCompletionFunc("teacher", completeNames)
	return cmd
}

func completeNames(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	all, _ := All() // after an error there is nothing to complete
	return names(all), cobra.ShellCompDirectiveNoFileComp
}

func names(all []*Lesson) (out []string) {
	for _, l := range all {
		out = append(out, l.Name)
	}
	return out
}

// choose returns the lessons that args and flags select, or nil for the list.
func (f *flags) choose(all []*Lesson, args []string) ([]*Lesson, error) {
	given := slices.Clone(args)
	for _, flag := range []struct {
		set  bool
		name string
	}{{f.all, "--all"}, {f.file != "", "--file"}, {f.teacher != "", "--teacher"}} {
		if flag.set {
			given = append(given, flag.name)
		}
	}
	switch {
	case len(given) > 1:
		return nil, fmt.Errorf("choose one of %s", strings.Join(given, " and "))
	case f.all:
		return all, nil
	case f.file != "":
		l, err := LoadFile(f.file)
		return []*Lesson{l}, err
	case len(given) == 0:
		return nil, nil
	}
	name := f.teacher
	if len(args) == 1 {
		name = args[0]
	}
	for _, l := range all {
		if l.Name == name {
			return []*Lesson{l}, nil
		}
	}
	return nil, fmt.Errorf("no lesson %q, use one of %s", name, strings.Join(names(all), ", "))
}

// play plays the lessons one after the other. With --auto, claims that do not hold are
// an error.
func (f *flags) play(ctx context.Context, cmd *cobra.Command, chosen []*Lesson) error {
	o := Options{Auto: f.auto, Show: f.show, In: cmd.InOrStdin(), Log: demo.FailureLog(cmd.ErrOrStderr())}
	var failed []error
	for _, l := range chosen {
		out, err := Play(ctx, cmd.OutOrStdout(), l, o)
		if err != nil {
			return err
		}
		for _, c := range out.Failed() {
			failed = append(failed, c.Err())
		}
	}
	if !f.auto {
		return nil
	}
	return errors.Join(failed...)
}

// listEntry is a lesson in the JSON list.
type listEntry struct {
	Name    string `json:"name"`
	Title   string `json:"title"`
	TitleZH string `json:"title_zh"`
	Minutes int    `json:"minutes"`
}

// listNameColumns is the width of the names in the list.
const listNameColumns = 29

// writeList prints the list of lessons in the order of the course.
func writeList(w io.Writer, all []*Lesson, f *show.Flags) error {
	if f.JSON() {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		for _, l := range all {
			if err := enc.Encode(listEntry{l.Name, l.Title.In(lang.EN), l.Title.In(lang.ZH), l.Minutes}); err != nil {
				return fmt.Errorf("write: %w", err)
			}
		}
		return nil
	}
	o := f.Screen(w)
	out, columns := screen.NewWriter(w, o), o.Columns(w)
	out.Line(screen.Strong.Paint(o.Lang.Pick("A course about the path of a request: `glasskv lesson NAME` plays one", "关于请求路径的一门课：`glasskv lesson 名字` 播放其中一课")))
	for _, l := range all {
		name, minutes := screen.Left(l.Name, listNameColumns), o.Lang.Say("%d min", "%d 分钟", l.Minutes)
		for _, line := range screen.Wrap(l.Title.In(o.Lang), columns-listNameColumns-12) {
			out.Line("  ", name, screen.Right(minutes, 7), "  ", screen.Dim.Paint(line))
			name, minutes = screen.Blank(listNameColumns), ""
		}
	}
	out.Line()
	out.Line(screen.Dim.Paint(o.Lang.Pick("For the teacher: glasskv lesson --teacher NAME", "给讲课的人：glasskv lesson --teacher 名字")))
	return out.Close()
}

// teacherPage is a teacher's page in the JSON output.
type teacherPage struct {
	Lesson  string `json:"lesson"`
	Teacher string `json:"teacher"` // Markdown
}

// writeTeacher prints a lesson's page for the teacher. If it does not exist in the
// reader's language, it prints the English one.
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
	for _, line := range prose.Lines(page, min(o.Columns(w), maxTextColumns)) {
		out.Line(line)
	}
	return out.Close()
}
