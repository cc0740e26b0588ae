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

// Load reads a file over the defaults, then the environment, and validates.
// Errors name the file, the line, the column and the key.
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
	c, f := Default(), read(name, text)
	lines := f.more()
	if err := strict(text, &c); err != nil {
		lines = append(f.complaints(err), lines...)
	}
	if len(lines) > 0 {
		return c, errors.New(strings.Join(lines, "\n"))
	}
	set, err := c.override(environ)
	if err != nil {
		return c, err
	}
	if err := c.Validate(); err != nil {
		for _, e := range flatten(err) {
			lines = append(lines, f.locate(set, e))
		}
		return c, errors.New(strings.Join(lines, "\n"))
	}
	return c, nil
}

// override sets the keys that variables name, and gives for each of these keys its variable.
func (c *Config) override(environ []string) (set map[string]string, err error) {
	set = map[string]string{}
	for _, variable := range environ {
		key, value, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(key, envPrefix) {
			continue
		}
		if !isKey(key) {
			if usedElsewhere(key) {
				continue
			}
			return set, fmt.Errorf("environment variable %s: there is no such key; the nearest is %s", key, nearestVariable(key))
		}
		path := strings.Split(strings.ToLower(strings.TrimPrefix(key, envPrefix)), "__")
		text, err := overlay(path, value)
		if err == nil {
			err = strict(text, c)
		}
		if err != nil {
			return set, fmt.Errorf("environment variable %s: %s", key, strings.Join(read("", text).complaints(err), "; "))
		}
		set[strings.Join(path, ".")] = key
	}
	return set, nil
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
