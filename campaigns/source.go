package campaigns

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
)

// Identity is what makes an imported lead the same as one that is there, within a
// list: the id that its source gave it, else its first number.
func (l Lead) Identity() (string, error) {
	if l.ExternalID != "" {
		return "id:" + l.ExternalID, nil
	}
	if len(l.Numbers) == 0 {
		return "", fmt.Errorf("lead %q has neither an external id nor a number", l.Name)
	}
	return "number:" + l.Numbers[0].E164, nil
}

// SourceSum is the SHA-256 of what a source tells of a lead, without its grades: a
// row with the same sum brings nothing new.
func (l Lead) SourceSum() (sum [sha256.Size]byte, err error) {
	numbers := make([]Number, len(l.Numbers))
	for i, n := range l.Numbers {
		n.Bad = false
		numbers[i] = n
	}
	body, err := json.Marshal([]any{l.ExternalID, l.Name, numbers, l.Fields, l.Note})
	if err != nil {
		return sum, err
	}
	return sha256.Sum256(body), nil
}

// Overlaid is l with what an imported row of its source tells now, its grades only
// where the source changed them. A number proven bad stays bad; progress only rises.
func (l Lead) Overlaid(row Lead, grades bool) Lead {
	bad := map[string]bool{}
	for _, n := range l.Numbers {
		bad[n.E164] = n.Bad
	}
	l.Name, l.Fields, l.Note = row.Name, row.Fields, row.Note
	l.Numbers = nil
	for _, n := range row.Numbers {
		n.Bad = n.Bad || bad[n.E164]
		l.Numbers = append(l.Numbers, n)
	}
	if grades {
		progress := max(l.Grades.Progress, row.Grades.Progress)
		l.Grades = row.Grades
		l.Grades.Progress = progress
	}
	return l
}
