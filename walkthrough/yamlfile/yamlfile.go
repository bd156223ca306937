// Package yamlfile reads data that people write as YAML. Every mistake is
// reported with its file and line.
package yamlfile

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Load decodes text into the value that into points to, and returns the root
// node of its content, whose nodes know their lines.
// A key that into has no field for and a key that appears twice are mistakes.
// Each mistake begins with name and its line, as "name:line: ".
func Load(name string, text []byte, into any) (*yaml.Node, error) {
	if err := yaml.Load(text, into, yaml.WithKnownFields(), yaml.WithUniqueKeys()); err != nil {
		return nil, withLines(name, err)
	}
	var root yaml.Node
	if err := yaml.Load(text, &root); err != nil {
		return nil, withLines(name, err)
	}
	if root.Kind == yaml.DocumentNode && len(root.Content) > 0 {
		return root.Content[0], nil
	}
	return &root, nil
}

// withLines puts the file's name and the line before each mistake of err.
func withLines(name string, err error) error {
	var several *yaml.LoadErrors
	if errors.As(err, &several) && len(several.Errors) > 0 {
		var all []error
		for _, e := range several.Errors {
			message, _, _ := strings.Cut(e.Message, " in type ") // the name of a Go type helps no author
			all = append(all, fmt.Errorf("%s:%d: %s", name, e.Mark.Line, message))
		}
		return errors.Join(all...)
	}
	var single *yaml.LoadError
	if errors.As(err, &single) {
		return fmt.Errorf("%s:%d: %s", name, single.Mark.Line, single.Message)
	}
	return fmt.Errorf("%s: %w", name, err)
}
