package campaigns

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ParseScore reads an answer score: a share in (0, 1].
func ParseScore(text string) (float64, error) {
	score, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || !(score > 0 && score <= 1) {
		return 0, fmt.Errorf("an answer score is a share above 0 and up to 1, such as 0.25")
	}
	return score, nil
}

// Score is the chance of a live answer that l came with; 0 where there is none,
// or it is no share in (0, 1].
func (p Pacing) Score(l Lead) float64 {
	text := l.Fields[p.AnswerScoreField]
	if p.AnswerScoreField == "" || text == "" {
		return 0
	}
	score, err := ParseScore(text)
	if err != nil {
		return 0
	}
	return score
}

// ScoreFields are the custom fields that the campaigns of a list read as answer
// scores, so that an import can tell which cells are none.
func ScoreFields(all []Campaign, list ListID) []string {
	var fields []string
	for _, c := range all {
		if f := c.Pacing.AnswerScoreField; f != "" && slices.Contains(c.Lists, list) && !slices.Contains(fields, f) {
			fields = append(fields, f)
		}
	}
	return fields
}

// ChoosesRecords says whether leads may be dialled out of turn.
func (p Pacing) ChoosesRecords() bool { return p.RecordChoice == nil || *p.RecordChoice }

// Breath is MinBreath as a duration.
func (p Pacing) Breath() time.Duration { return time.Duration(p.MinBreath * float64(time.Second)) }
