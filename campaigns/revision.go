package campaigns

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// Revision names the content of a lead: it changes with anything that does. All nodes
// of a store agree on it.
func (l Lead) Revision() string { return revision(l) }

// Revision names what people set of a list: how many leads it has does not count.
func (l List) Revision() string {
	l.Leads = 0
	return revision(l)
}

// revision is 16 hex digits of the SHA-256 of the JSON form.
func revision(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain structs of strings, numbers and times
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}
