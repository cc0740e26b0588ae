package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// envPrefix begins every environment variable that overrides a key.
const envPrefix = "OUTPACE_"

// tokenVariable holds the API token of people's scripts; it is no key of the file.
const tokenVariable = envPrefix + "TOKEN"

// Load reads a file over the defaults, then the environment, and validates.
// Errors name the file, the line and the key.
func Load(path string, environ []string) (Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Config{}, err
	}
	c, err := Parse(path, text, environ)
	if err != nil {
		return Config{}, err
	}
	return c, nil
}

// Parse is Load on a text that is read already; name is used in errors.
func Parse(name string, text []byte, environ []string) (Config, error) {
	c := Default()
	if err := strict(text, &c); err != nil {
		return c, errors.New(strings.Join(complaints(name, text, err), "\n"))
	}
	set := map[string]string{} // key of the file -> variable that overrode it
	for _, variable := range environ {
		key, value, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(key, envPrefix) || key == tokenVariable {
			continue
		}
		path := strings.Split(strings.ToLower(strings.TrimPrefix(key, envPrefix)), "__")
		overlay, err := overlay(path, value)
		if err == nil {
			err = strict(overlay, &c)
		}
		if err != nil {
			return c, fmt.Errorf("environment variable %s: %s", key, strings.Join(complaints("", overlay, err), "; "))
		}
		set[strings.Join(path, ".")] = key
	}
	if err := c.Validate(); err != nil {
		var lines []string
		for _, e := range flatten(err) {
			lines = append(lines, locate(name, text, set, e.Error()))
		}
		return c, errors.New(strings.Join(lines, "\n"))
	}
	return c, nil
}

func strict(text []byte, into *Config) error {
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// complaints are what the parser could not take, one a line, in our words:
// "outpace.yaml:12: listne: unknown key". An empty name leaves the place out.
func complaints(name string, file []byte, err error) []string {
	load, ok := errors.AsType[*yaml.LoadErrors](err)
	if !ok {
		return []string{strings.TrimPrefix(name+": ", ": ") + err.Error()}
	}
	var all []string
	for _, e := range load.Errors {
		text := e.Message
		if key, ok := unknownKey(text); ok {
			text = key + ": unknown key"
		}
		if said, ok := mistyped(file, e); ok {
			text = said
		}
		if name != "" {
			text = fmt.Sprintf("%s:%d: %s", name, e.Mark.Line, text)
		}
		all = append(all, text)
	}
	return all
}

// unknownKey is the key of the parser's "field KEY not found in type T".
func unknownKey(message string) (string, bool) {
	rest, ok := strings.CutPrefix(message, "field ")
	key, _, found := strings.Cut(rest, " not found in type ")
	return key, ok && found
}

// overlay makes the YAML of one variable: OUTPACE_HTTP__LISTEN=:80 is
// {http: {listen: ":80"}}. A value that is a list or a map in YAML is one; all
// else is taken letter by letter.
func overlay(path []string, value string) ([]byte, error) {
	node := &yaml.Node{Kind: yaml.ScalarNode, Value: value}
	var parsed yaml.Node
	if err := yaml.Unmarshal([]byte(value), &parsed); err == nil && len(parsed.Content) == 1 && parsed.Content[0].Kind != yaml.ScalarNode {
		node = parsed.Content[0]
		if node.Style != yaml.FlowStyle { // "a: b" is text, {a: b} is a map
			node = &yaml.Node{Kind: yaml.ScalarNode, Value: value}
		}
	}
	for _, key := range slices.Backward(path) {
		node = &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Value: key}, node}}
	}
	return yaml.Marshal(node)
}

// locate puts the place of a key before an error about it: the variable that
// set it, or its line in the file: "outpace.yaml:12: trunks[0].max_cps: ...".
func locate(name string, text []byte, set map[string]string, problem string) string {
	key, _, _ := strings.Cut(problem, ":")
	for overridden, variable := range set {
		if key == overridden || strings.HasPrefix(key, overridden+".") || strings.HasPrefix(key, overridden+"[") {
			return "environment variable " + variable + ": " + problem
		}
	}
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil || len(root.Content) == 0 {
		return name + ": " + problem
	}
	if line := find(root.Content[0], parts(key)); line > 0 {
		return fmt.Sprintf("%s:%d: %s", name, line, problem)
	}
	return name + ": " + problem
}

func parts(key string) []string {
	key = strings.ReplaceAll(key, "[", ".")
	return strings.Split(strings.ReplaceAll(key, "]", ""), ".")
}

// find is the line of the deepest part of a path that the file has.
func find(n *yaml.Node, path []string) int {
	if len(path) == 0 {
		return n.Line
	}
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value != path[0] {
				continue
			}
			if line := find(n.Content[i+1], path[1:]); line > 0 && len(path) > 1 {
				return line
			}
			return n.Content[i].Line
		}
	case yaml.SequenceNode:
		var index int
		if _, err := fmt.Sscanf(path[0], "%d", &index); err == nil && index < len(n.Content) {
			if line := find(n.Content[index], path[1:]); line > 0 {
				return line
			}
			return n.Content[index].Line
		}
	}
	return 0
}
