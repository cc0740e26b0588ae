package api

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"regexp"
	"testing"
)

var renew = flag.Bool("renew", false, "write openapi.json anew")

// TestOpenAPIFile holds the committed description of the API, from which clients are
// made, to what the product serves.
func TestOpenAPIFile(t *testing.T) {
	w := newWorld(t)
	var served bytes.Buffer
	if err := json.Indent(&served, []byte(w.as(t, "", "GET", "/api/openapi.json", nil).want(t, 200).body), "", " "); err != nil {
		t.Fatal(err)
	}
	served.WriteByte('\n')
	if *renew {
		if err := os.WriteFile("openapi.json", served.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(kept, served.Bytes()) {
		t.Error("dialer/api/openapi.json is not what the API serves: `make openapi` writes it anew, and the console's types with it")
	}
}

// TestFieldNames holds the fields of all answers to one way of writing them.
func TestFieldNames(t *testing.T) {
	var kept struct {
		Components struct {
			Schemas map[string]struct{ Properties map[string]any }
		}
	}
	text, err := os.ReadFile("openapi.json")
	if err == nil {
		err = json.Unmarshal(text, &kept)
	}
	if err != nil || len(kept.Components.Schemas) == 0 {
		t.Fatalf("%d schemas, %v", len(kept.Components.Schemas), err)
	}
	usual := regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	for name, schema := range kept.Components.Schemas {
		for field := range schema.Properties {
			if !usual.MatchString(field) {
				t.Errorf("%s.%s, want a name like bad_rows", name, field)
			}
		}
	}
}
