package campaigns

import (
	"math"
	"strconv"
	"strings"

	"github.com/expr-lang/expr"
)

// DefaultPriority orders leads where neither their segment nor their campaign
// says how: by the expected worth per operator second, in units of worth (money,
// as the campaign counts it) a second.
//
//	chance   that a talk comes to its goal, (0, 1]
//	worth    of the goal, in units of money, >= 0
//	seconds  of an operator that a talk takes, wrap-up included, > 0
//
// Each is the custom field of that name where the lead has one and it is such a
// number. Where not, they come from the grades:
//
//	chance   the greater of 0.02 x (1 + pi) x (hot 3, warm 1.5, cold 0.5, not graded 1)
//	         and, while progress is below 100, progress / 200
//	worth    20 x (1 + the greater of cp and level)
//	seconds  240: talks of 3.5 to 4 minutes are the normal ones of telephone sales
//
// A lead of which nothing is known is worth 0.02 x 20 / 240. Calls that nobody
// answers cost operators nothing while calls are placed ahead of them, so the
// chance of an answer is not a part of it; which lead is likely to answer now is
// for pacing to choose (Pacing.RecordChoice).
const DefaultPriority = "chance * worth / seconds"

// The defaults of DefaultPriority.
const (
	chancePerIntent = 0.02
	worthPerGrade   = 20.0
	secondsPerTalk  = 240.0
)

var warmth = map[Temperature]float64{Hot: 3, Warm: 1.5, Cold: 0.5}

// chance that a talk with l comes to its goal.
func (l Lead) chance() float64 {
	g := l.Grades
	heat, graded := warmth[g.Temperature]
	if !graded {
		heat = 1
	}
	chance := min(chancePerIntent*float64(1+max(g.PI, 0))*heat, 1)
	if g.Progress < 100 {
		chance = max(chance, float64(g.Progress)/200)
	}
	given := numberIn(l.Fields["chance"], chance)
	if !(given > 0 && given <= 1) {
		return chance
	}
	return given
}

// worth of winning l, in units of money.
func (l Lead) worth() float64 {
	worth := worthPerGrade * float64(1+max(l.Grades.CP, l.Grades.Level, 0))
	if given := numberIn(l.Fields["worth"], worth); given >= 0 {
		return given
	}
	return worth
}

// seconds of an operator that a talk with l takes.
func (l Lead) seconds() float64 {
	if given := numberIn(l.Fields["seconds"], secondsPerTalk); given > 0 {
		return given
	}
	return secondsPerTalk
}

// numberIn reads a field, or gives the other where it is no finite number.
func numberIn(text string, other float64) float64 {
	if text == "" { // mostly: to fail at it costs more than the rest of a place
		return other
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return other
	}
	return n
}

// numberFunction gives expressions number(fields.income, 1000): the number in a
// field, or the other where there is none.
var numberFunction = expr.Function("number", func(params ...any) (any, error) {
	other, whole := params[1].(int)
	if whole {
		return numberIn(params[0].(string), float64(other)), nil
	}
	return numberIn(params[0].(string), params[1].(float64)), nil
}, new(func(string, int) float64), new(func(string, float64) float64))
