package lesson

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"glasskv/walkthrough/lang"
)

//go:embed lessons
var embedded embed.FS

// The files of a lesson's folder.
const (
	lessonFile    = "lesson.yaml"
	teacherFile   = "teacher.md"
	teacherFileZH = "teacher.zh.md"
)

// All returns the lessons of the course in their order. An error is a mistake in
// one of them, which a test finds first.
func All() ([]*Lesson, error) {
	dirs, err := fs.ReadDir(embedded, "lessons")
	if err != nil {
		return nil, err
	}
	var all []*Lesson
	for _, dir := range dirs {
		sub, err := fs.Sub(embedded, path.Join("lessons", dir.Name()))
		if err != nil {
			return nil, err
		}
		l, err := load(sub, dir.Name(), path.Join("lessons", dir.Name(), lessonFile))
		if err != nil {
			return nil, err
		}
		all = append(all, l)
	}
	slices.SortStableFunc(all, func(a, b *Lesson) int { return a.Order - b.Order })
	return all, nil
}

// LoadFile reads a lesson from a folder, or from a file alone, which has no
// teacher's page then.
func LoadFile(name string) (*Lesson, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("read lesson: %w", err)
	}
	if info.IsDir() {
		return load(os.DirFS(name), filepath.Base(name), filepath.Join(name, lessonFile))
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read lesson: %w", err)
	}
	return parse(text, strings.TrimSuffix(filepath.Base(name), filepath.Ext(name)), name)
}

func load(dir fs.FS, name, file string) (*Lesson, error) {
	text, err := fs.ReadFile(dir, lessonFile)
	if err != nil {
		return nil, fmt.Errorf("read lesson: %w", err)
	}
	l, err := parse(text, name, file)
	if err != nil {
		return nil, err
	}
	l.teacher = make(map[lang.Lang]string)
	for in, page := range map[lang.Lang]string{lang.EN: teacherFile, lang.ZH: teacherFileZH} {
		switch text, err := fs.ReadFile(dir, page); {
		case err == nil:
			l.teacher[in] = string(text)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("read teacher's page: %w", err)
		}
	}
	return l, nil
}

// parse reads and checks a lesson. Every mistake in it begins with file:line.
func parse(text []byte, name, file string) (*Lesson, error) {
	l := &Lesson{Name: name, file: file}
	if err := yaml.Load(text, l, yaml.WithKnownFields(), yaml.WithUniqueKeys()); err != nil {
		return nil, withLines(file, err)
	}
	var root yaml.Node
	if err := yaml.Load(text, &root); err != nil {
		return nil, withLines(file, err)
	}
	l.placeSteps(&root)
	if err := l.check(); err != nil {
		return nil, err
	}
	return l, nil
}

// placeSteps notes the line of every step.
func (l *Lesson) placeSteps(root *yaml.Node) {
	if root.Kind == yaml.DocumentNode && len(root.Content) > 0 {
		root = root.Content[0]
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value != "steps" {
			continue
		}
		for n, item := range root.Content[i+1].Content {
			if n < len(l.Steps) && l.Steps[n] != nil {
				l.Steps[n].line = item.Line
			}
		}
	}
}

// withLines tells each mistake that the YAML itself has with its line.
func withLines(file string, err error) error {
	var all *yaml.LoadErrors
	if errors.As(err, &all) && len(all.Errors) > 0 {
		var out []error
		for _, e := range all.Errors {
			message, _, _ := strings.Cut(e.Message, " in type ") // the type is our own affair
			out = append(out, fmt.Errorf("%s:%d: %s", file, e.Mark.Line, message))
		}
		return errors.Join(out...)
	}
	var one *yaml.LoadError
	if errors.As(err, &one) {
		return fmt.Errorf("%s:%d: %s", file, one.Mark.Line, one.Message)
	}
	return fmt.Errorf("%s: %w", file, err)
}

// mistake is an error at a step.
func (l *Lesson) mistake(s *Step, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %w", l.file, s.line, fmt.Errorf(format, args...))
}
