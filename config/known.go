package config

import (
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
)

// knownKeys are all keys that there are, from the top, with [] for each of a list:
// http.listen, trunks[].max_cps.
var knownKeys = sync.OnceValue(func() []string {
	keys := keysOf(reflect.TypeFor[Config](), "")
	slices.Sort(keys)
	return keys
})

func keysOf(t reflect.Type, above string) (keys []string) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		if t.Kind() == reflect.Slice {
			above += "[]"
		}
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == reflect.TypeFor[time.Time]() {
		return nil
	}
	for field := range t.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		switch {
		case options == "inline":
			keys = append(keys, keysOf(field.Type, above)...)
		case field.IsExported() && name != "-" && name != "":
			key := strings.TrimPrefix(above+"."+name, ".")
			keys = append(append(keys, key), keysOf(field.Type, key)...)
		}
	}
	return keys
}

// didYouMean names the known key that is most like one that is not known; "" where none
// is like it.
func didYouMean(key string) string {
	wanted := general(key)
	best, distance := nearest(wanted, knownKeys())
	if last := lastPart(wanted); distance > 1 { // it may stand in the wrong place
		for _, known := range knownKeys() {
			if lastPart(known) == last {
				best, distance = known, 0
				break
			}
		}
	}
	if distance > max(1, len(lastPart(wanted))/3) {
		return ""
	}
	return "; did you mean " + best + "?"
}

// general is a key without the numbers of its lists.
func general(key string) string {
	var b strings.Builder
	inside := false
	for _, r := range key {
		if r == ']' {
			inside = false
		}
		if !inside {
			b.WriteRune(r)
		}
		if r == '[' {
			inside = true
		}
	}
	return b.String()
}

func lastPart(key string) string { return key[strings.LastIndexByte(key, '.')+1:] }

// nearest is the word that is most like another one, and how far from it it is.
func nearest(word string, words []string) (best string, distance int) {
	distance = len(word) + 1
	for _, w := range words {
		if d := editDistance(word, w); d < distance {
			best, distance = w, d
		}
	}
	return best, distance
}

// editDistance is how many bytes must be put in, taken out, changed or swapped with their
// neighbour to make b of a.
func editDistance(a, b string) int {
	before, last, row := []int(nil), []int(nil), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row = last, row, make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}
