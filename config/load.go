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

// notKeys are variables with our prefix that are no keys of the file.
var notKeys = []string{"OUTPACE_SETUP", "OUTPACE_TOKEN"}

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
		return c, fmt.Errorf("%s: %w", name, err)
	}
	for _, variable := range environ {
		key, value, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(key, envPrefix) || slices.Contains(notKeys, key) {
			continue
		}
		if err := strict(overlay(key, value), &c); err != nil {
			return c, fmt.Errorf("environment variable %s: %w", key, err)
		}
	}
	if err := c.Validate(); err != nil {
		var lines []string
		for _, e := range flatten(err) {
			lines = append(lines, locate(name, text, e.Error()))
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

// overlay makes the YAML of one variable: OUTPACE_HTTP__LISTEN=:80 is
// {http: {listen: ":80"}}.
func overlay(key, value string) []byte {
	path := strings.Split(strings.ToLower(strings.TrimPrefix(key, envPrefix)), "__")
	return []byte(nest(path, value))
}

func nest(path []string, value string) string {
	if len(path) == 0 {
		return value
	}
	return "{" + path[0] + ": " + nest(path[1:], value) + "}"
}

// locate puts the line of a key before an error about it, where the file has
// the key: "outpace.yaml:12: trunks[0].max_cps: ...".
func locate(name string, text []byte, problem string) string {
	key, _, _ := strings.Cut(problem, ":")
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
