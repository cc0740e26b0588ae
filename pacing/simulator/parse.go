package simulator

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Parse reads a scenario, JSON or YAML; name is used in errors. Each error names
// the line and the key; unknown keys are errors.
func Parse(name string, text []byte) (*Scenario, error) {
	var tree yaml.Node
	if err := yaml.Unmarshal(text, &tree); err != nil {
		return nil, located(name, nil, err)
	}
	if len(tree.Content) == 0 {
		return nil, fmt.Errorf("%s:1: the scenario is empty", name)
	}
	root := tree.Content[0]
	s := &Scenario{}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(s); err != nil {
		return nil, located(name, root, err)
	}
	s.setDefaults()
	var problems []error
	for _, p := range s.problems() {
		problems = append(problems, fmt.Errorf("%s:%d: %w", name, line(root, keys(p.key)), p))
	}
	return s, errors.Join(problems...)
}

// problem is a value that cannot be followed.
type problem struct {
	key  string // path, as in segments[0].outcomes[1].human
	what string
}

func (p problem) Error() string { return p.key + ": " + p.what }

// located puts name, line and key before what the decoder found wrong.
func located(name string, root *yaml.Node, err error) error {
	var all *yaml.LoadErrors
	if !errors.As(err, &all) {
		return fmt.Errorf("%s: %w", name, err)
	}
	var problems []error
	for _, e := range all.Errors {
		what := e.Message
		if inner := e.Unwrap(); inner != nil {
			what = inner.Error()
		}
		if before, _, unknown := strings.Cut(what, " not found in type "); unknown {
			what = "unknown key " + strings.TrimPrefix(before, "field ")
		}
		at := fmt.Sprintf("%s:%d: ", name, e.Mark.Line)
		if path := pathAt(root, "", e.Mark.Line, e.Mark.Column); path != "" {
			at += path + ": "
		}
		problems = append(problems, errors.New(at+what))
	}
	return errors.Join(problems...)
}

// pathAt is the path of the node that begins at a position, "" if there is none.
func pathAt(n *yaml.Node, path string, line, column int) string {
	if n == nil || (n.Line == line && n.Column == column) {
		return path
	}
	for i, child := range n.Content {
		at := fmt.Sprintf("%s[%d]", path, i)
		if n.Kind == yaml.MappingNode {
			at = strings.TrimPrefix(path+"."+n.Content[i&^1].Value, ".")
		}
		if found := pathAt(child, at, line, column); found != "" {
			return found
		}
	}
	return ""
}

// keys splits a path: segments[0].name is segments, 0, name.
func keys(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
}

// line is where the deepest part of a path that the file has begins.
func line(n *yaml.Node, path []string) int {
	if len(path) == 0 {
		return n.Line
	}
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == path[0] {
				return line(n.Content[i+1], path[1:])
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(path[0]); err == nil && i < len(n.Content) {
			return line(n.Content[i], path[1:])
		}
	}
	return n.Line
}

// YAML is the scenario as Parse reads it, its defaults filled in.
func (s *Scenario) YAML() ([]byte, error) {
	text, err := yaml.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("scenario %s: %w", s.Name, err)
	}
	return text, nil
}
