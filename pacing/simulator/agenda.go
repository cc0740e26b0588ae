package simulator

import "time"

// agenda holds what will happen, the earliest first; of one moment, in the order
// it was planned (a binary heap).
type agenda struct {
	items   []happening
	planned uint64
}

type happening struct {
	at    time.Duration
	order uint64
	do    func()
}

func (h happening) before(o happening) bool {
	return h.at < o.at || h.at == o.at && h.order < o.order
}

func (a *agenda) plan(at time.Duration, do func()) {
	a.planned++
	a.items = append(a.items, happening{at, a.planned, do})
	for i := len(a.items) - 1; i > 0; {
		parent := (i - 1) / 2
		if !a.items[i].before(a.items[parent]) {
			return
		}
		a.items[i], a.items[parent] = a.items[parent], a.items[i]
		i = parent
	}
}

// first is when the earliest happening is.
func (a *agenda) first() (time.Duration, bool) {
	if len(a.items) == 0 {
		return 0, false
	}
	return a.items[0].at, true
}

// next takes the earliest happening before a time.
func (a *agenda) next(before time.Duration) (happening, bool) {
	if len(a.items) == 0 || a.items[0].at >= before {
		return happening{}, false
	}
	first, last := a.items[0], len(a.items)-1
	a.items[0], a.items[last] = a.items[last], happening{}
	a.items = a.items[:last]
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if a.items[child].before(a.items[least]) {
				least = child
			}
		}
		if least == i {
			return first, true
		}
		a.items[i], a.items[least] = a.items[least], a.items[i]
		i = least
	}
}
