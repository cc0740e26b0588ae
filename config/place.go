package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// file is the text of a configuration, so that errors can say where a key stands in it.
type file struct {
	name string // empty: errors name no place
	text []byte
	root *yaml.Node // nil: nothing, or nothing that is YAML
}

func read(name string, text []byte) file {
	f := file{name: name, text: text}
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err == nil && len(root.Content) > 0 {
		f.root = root.Content[0]
	}
	return f
}

// at puts the place before what is wrong there: "outpace.yaml:12:3: ...".
func (f file) at(line, column int, problem string) string {
	switch {
	case f.name == "":
		return problem
	case line == 0:
		return f.name + ": " + problem
	}
	return fmt.Sprintf("%s:%d:%d: %s", f.name, line, column, problem)
}

// complaints are what the parser could not take, one a line, in our words:
// "outpace.yaml:12:3: http.listne: unknown key; did you mean http.listen?".
func (f file) complaints(err error) []string {
	all, ok := errors.AsType[*yaml.LoadErrors](err)
	if !ok {
		one, ok := errors.AsType[*yaml.LoadError](err)
		if !ok {
			return []string{f.at(0, 0, err.Error())}
		}
		return []string{f.at(one.Mark.Line, one.Mark.Column, "not YAML: "+strings.TrimPrefix(one.ContextMsg+": ", ": ")+one.Message)}
	}
	var lines []string
	for _, e := range all.Errors {
		problem := e.Message
		if key, ok := unknownKey(e.Message); ok {
			path := f.path(e.Mark, key)
			problem = path + ": unknown key" + didYouMean(path)
		} else if key, line, ok := repeatedKey(e.Message); ok {
			problem = f.path(e.Mark, key) + ": is there twice, first on line " + line
		} else if said, ok := mistyped(f.root, e); ok {
			problem = said
		}
		lines = append(lines, f.at(e.Mark.Line, e.Mark.Column, problem))
	}
	return lines
}

// unknownKey is the key of the parser's "field KEY not found in type T".
func unknownKey(message string) (string, bool) {
	rest, ok := strings.CutPrefix(message, "field ")
	key, _, found := strings.Cut(rest, " not found in type ")
	return key, ok && found
}

// repeatedKey is the key of the parser's "mapping key "KEY" already defined at line N".
func repeatedKey(message string) (key, line string, ok bool) {
	rest, ok := strings.CutPrefix(message, "mapping key ")
	quoted, line, found := strings.Cut(rest, " already defined at line ")
	key, err := strconv.Unquote(quoted)
	return key, line, ok && found && err == nil
}

// more says of what stands after the end of the configuration: nobody would read it.
func (f file) more() []string {
	d := yaml.NewDecoder(bytes.NewReader(f.text))
	for nth := 0; ; nth++ {
		var document yaml.Node
		err := d.Decode(&document)
		if errors.Is(err, io.EOF) || err != nil && nth == 0 { // which the reading of it tells
			return nil
		}
		if err != nil {
			return f.complaints(err)
		}
		if n := document.Content; nth > 0 && len(n) > 0 && n[0].Tag != "!!null" {
			return []string{f.at(n[0].Line, n[0].Column, "a second document begins here, after ---: a configuration is one document")}
		}
	}
}

// path is where a key stands that begins at a place, from the top: trunks[0].max_cps. The
// key alone where it is not found.
func (f file) path(at yaml.Mark, key string) string {
	if f.root != nil {
		if path, ok := pathOf(f.root, "", at); ok {
			return path
		}
	}
	return key
}

func pathOf(n *yaml.Node, above string, at yaml.Mark) (string, bool) {
	for i, child := range n.Content {
		under := fmt.Sprintf("%s[%d]", above, i)
		if n.Kind == yaml.MappingNode {
			if i%2 == 0 {
				if child.Line == at.Line && child.Column == at.Column {
					return strings.TrimPrefix(above+"."+child.Value, "."), true
				}
				continue
			}
			under = strings.TrimPrefix(above+"."+n.Content[i-1].Value, ".")
		}
		if path, ok := pathOf(child, under, at); ok {
			return path, true
		}
	}
	return "", false
}

// locate puts the place of a key before an error about it: the variable that
// set it, or where it stands in the file: "outpace.yaml:12:5: trunks[0].max_cps: ...".
func (f file) locate(set map[string]string, problem error) string {
	text, key := problem.Error(), keyOf(problem)
	if c, ok := errors.AsType[*clash](problem); ok && f.stands(set, c.other) && !f.stands(set, c.key) {
		text, key = c.turned().Error(), c.other // of two keys that do not go together, the one that somebody wrote
	}
	for overridden, variable := range set {
		if under(key, overridden) {
			return "environment variable " + variable + ": " + text
		}
	}
	line, column, _ := f.find(key)
	return f.at(line, column, text)
}

// stands says whether a key was set by a variable or stands in the file.
func (f file) stands(set map[string]string, key string) bool {
	for overridden := range set {
		if under(key, overridden) {
			return true
		}
	}
	_, _, whole := f.find(key)
	return whole
}

// keyOf is the key that an error begins with.
func keyOf(problem error) string {
	key, _, _ := strings.Cut(problem.Error(), ":")
	return key
}

// under says whether a key is another one or a part of it.
func under(key, whole string) bool {
	return key == whole || strings.HasPrefix(key, whole+".") || strings.HasPrefix(key, whole+"[")
}

// find is the place of the deepest part of a key that the file has; 0 where it has none,
// whole where it has all of it.
func (f file) find(key string) (line, column int, whole bool) {
	key = strings.ReplaceAll(key, "[", ".")
	path := strings.Split(strings.ReplaceAll(key, "]", ""), ".")
	n := f.root
	for len(path) > 0 && n != nil {
		here, next := step(n, path[0])
		if here == nil {
			return line, column, false
		}
		line, column, n, path = here.Line, here.Column, next, path[1:]
	}
	return line, column, len(path) == 0
}

// step is one part of a path: where it stands, and what is under it. Of a part of a list
// the two are one; nil where there is none.
func step(n *yaml.Node, part string) (here, next *yaml.Node) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == part {
				return n.Content[i], n.Content[i+1]
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(part); err == nil && i >= 0 && i < len(n.Content) {
			return n.Content[i], n.Content[i]
		}
	}
	return nil, nil
}
