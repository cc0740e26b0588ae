package config

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// mistyped says of which key a value is not of the right type: the parser says only
// "cannot construct !!str `ten` into float64". False where it complains of something else.
func mistyped(root *yaml.Node, e *yaml.LoadError) (string, bool) {
	_, into, found := strings.Cut(e.Message, " into ")
	if !found || !strings.HasPrefix(e.Message, "cannot construct ") {
		return "", false
	}
	if root == nil {
		return "", false
	}
	key, n := keyAt(root, "", e.Mark)
	if n == nil {
		return "", false
	}
	return strings.TrimPrefix(key+": ", ": ") + shown(n) + " is not " + wanted(into), true
}

// keyAt is the value that begins at a place, with its key.
func keyAt(n *yaml.Node, key string, at yaml.Mark) (string, *yaml.Node) {
	if n.Line == at.Line && n.Column == at.Column && n.Kind != yaml.MappingNode {
		return key, n
	}
	for i := range n.Content {
		under, value := fmt.Sprintf("%s[%d]", key, i), n.Content[i]
		if n.Kind == yaml.MappingNode {
			if i%2 == 0 {
				continue
			}
			under = strings.TrimPrefix(key+"."+n.Content[i-1].Value, ".")
		}
		if k, found := keyAt(value, under, at); found != nil {
			return k, found
		}
	}
	if n.Line == at.Line && n.Column == at.Column {
		return key, n // a map, of which no value begins at the same place
	}
	return "", nil
}

// shown is a value in an error. It is cut short: it may be a secret in the wrong place.
func shown(n *yaml.Node) string {
	const most = 20
	switch n.Kind {
	case yaml.MappingNode:
		return "a map"
	case yaml.SequenceNode:
		return "a list"
	}
	if letters := []rune(n.Value); len(letters) > most {
		return strconv.Quote(string(letters[:most])) + "..."
	}
	return strconv.Quote(n.Value)
}

// wanted says what the parser was to make of a value, by the name of the Go type.
func wanted(kind string) string {
	switch strings.TrimLeft(kind, "*") {
	case "float64":
		return "a number"
	case "int", "int64", "uint", "uint16", "uint32", "uint64":
		return "a whole number that fits"
	case "bool":
		return "true or false"
	case "string":
		return "a text"
	case "time.Duration":
		return "a time with its unit, such as 30s, 5m or 12h"
	}
	if strings.HasPrefix(kind, "[]") {
		return "a list"
	}
	return "what belongs here: keys with values, or one word"
}
