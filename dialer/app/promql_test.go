package app

import (
	"maps"
	"regexp"
	"slices"
	"testing"
)

// reading is what an expression of Prometheus reads.
type reading struct {
	metrics []selected
	joined  []string // labels of by, on and the like
}

// selected is one metric of it, with the values that its labels must have.
type selected struct {
	name   string
	values map[string]string // by label
}

// kept says whether a label is in the result: one that it was summed by, or of each metric.
func (r reading) kept(label string, known series) bool {
	if len(r.joined) > 0 {
		return slices.Contains(r.joined, label)
	}
	for _, m := range r.metrics {
		if labels, ok := known.labels(m.name); !ok || !labels[label] {
			return false
		}
	}
	return true
}

var (
	words = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|[A-Za-z_:][\w:]*|\d[\w.]*|[=!~<>]+|\S`)
	spans = regexp.MustCompile(`\[[^\]]*\]`)

	joins      = []string{"by", "without", "on", "ignoring", "group_left", "group_right"}
	noMetrics  = []string{"and", "or", "unless", "offset", "bool", "sum", "min", "max", "avg", "count", "topk", "bottomk"}
	identifier = regexp.MustCompile(`^[A-Za-z_:]`)
)

// read takes an expression apart. It is no parser: promtool checks the grammar.
func read(expression string) (r reading) {
	tokens := words.FindAllString(spans.ReplaceAllString(expression, ""), -1)
	next := func(i int) string {
		if i+1 < len(tokens) {
			return tokens[i+1]
		}
		return ""
	}
	for i := 0; i < len(tokens); i++ {
		switch word := tokens[i]; {
		case !identifier.MatchString(word) || slices.Contains(noMetrics, word):
		case slices.Contains(joins, word):
			for i++; tokens[i] != ")"; i++ {
				if identifier.MatchString(tokens[i]) {
					r.joined = append(r.joined, tokens[i])
				}
			}
		case next(i) == "(": // a function
		default:
			m := selected{word, map[string]string{}}
			if next(i) == "{" {
				for i += 2; tokens[i] != "}"; i++ {
					if identifier.MatchString(tokens[i]) {
						m.values[tokens[i]] = tokens[i+2][1 : len(tokens[i+2])-1]
						i += 2
					}
				}
			}
			r.metrics = append(r.metrics, m)
		}
	}
	return r
}

func TestRead(t *testing.T) {
	none := map[string]string{}
	for expression, want := range map[string]reading{
		`up{job="outpace"} == 0`: {[]selected{{"up", map[string]string{"job": "outpace"}}}, nil},
		`sum by (job, campaign) (increase(a_total{result=~"x|y", campaign=~"$campaign"}[1h] offset 5m)) > 1e3`: {
			[]selected{{"a_total", map[string]string{"result": "x|y", "campaign": "$campaign"}}}, []string{"job", "campaign"},
		},
		`a >= 0 and a < 20 unless on (instance) max_over_time(b[1d]) / 2`: {[]selected{{"a", none}, {"a", none}, {"b", none}}, []string{"instance"}},
		`histogram_quantile(0.5, sum by (le) (rate(c_bucket[$__rate_interval])))`: {
			[]selected{{"c_bucket", none}}, []string{"le"},
		},
	} {
		got := read(expression)
		same := func(a, b selected) bool { return a.name == b.name && maps.Equal(a.values, b.values) }
		if !slices.EqualFunc(got.metrics, want.metrics, same) || !slices.Equal(got.joined, want.joined) {
			t.Errorf("%s: got %v, want %v", expression, got, want)
		}
	}
}
