package registrar

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

const (
	homesPerUser = 4
	// homeFor is how long an address counts as a user's home after their phone
	// registered from it: a weekend and a holiday are shorter.
	homeFor = 7 * 24 * time.Hour
	// homeFresh is how old the time of a home may be before it is renewed: what
	// remembers homes is told of each change.
	homeFresh = time.Hour
)

// Home is an address from which a user's phone registered lately, with the
// right password.
type Home struct {
	User    string     `json:"user"`
	Network netip.Addr `json:"network"` // an IPv4 address, or the first of an IPv6 /64
	At      time.Time  `json:"at"`
}

// homes know which users are at home at an address, and how many. Only the
// right password adds to them, so strangers cannot make them grow. Not safe
// for concurrent use.
type homes struct {
	byUser  map[string][]Home  // newest first
	phones  map[netip.Addr]int // users at home at a network
	version uint64             // rises with each change
}

func newHomes() *homes {
	return &homes{byUser: make(map[string][]Home), phones: make(map[netip.Addr]int)}
}

// add notes that the user's phone registered from a network.
func (h *homes) add(now time.Time, at netip.Addr, user string) {
	list := h.byUser[user]
	if len(list) > 0 && list[0].Network == at && now.Sub(list[0].At) < homeFresh {
		return
	}
	h.version++
	if i := slices.IndexFunc(list, func(old Home) bool { return old.Network == at }); i >= 0 {
		list = slices.Delete(list, i, i+1)
		h.leave(at)
	}
	if len(list) == homesPerUser {
		h.leave(list[homesPerUser-1].Network)
		list = list[:homesPerUser-1]
	}
	h.byUser[user] = slices.Insert(list, 0, Home{User: user, Network: at, At: now})
	h.phones[at]++
}

func (h *homes) leave(at netip.Addr) {
	if h.phones[at]--; h.phones[at] <= 0 {
		delete(h.phones, at)
	}
}

// has says whether a network is a home of the user.
func (h *homes) has(at netip.Addr, user string) bool {
	return slices.ContainsFunc(h.byUser[user], func(home Home) bool { return home.Network == at })
}

// forget drops what is too old.
func (h *homes) forget(now time.Time) {
	for user, list := range h.byUser {
		kept := slices.DeleteFunc(list, func(home Home) bool {
			old := now.Sub(home.At) > homeFor
			if old {
				h.leave(home.Network)
				h.version++
			}
			return old
		})
		if h.byUser[user] = kept; len(kept) == 0 {
			delete(h.byUser, user)
		}
	}
}

// all lists the homes by user, newest first.
func (h *homes) all() []Home {
	var all []Home
	for _, list := range h.byUser {
		all = append(all, list...)
	}
	slices.SortStableFunc(all, func(a, b Home) int { return strings.Compare(a.User, b.User) })
	return all
}

// Homes are the addresses that phones registered from in the last seven days.
// version rises with each change: who keeps them over a restart need not look
// at the list while it stays.
func (r *Registrar) Homes() (list []Home, version uint64) {
	r.guard.mu.Lock()
	defer r.guard.mu.Unlock()
	return r.guard.homes.all(), r.guard.homes.version
}

// HomesVersion is the version of Homes, without the list.
func (r *Registrar) HomesVersion() uint64 {
	r.guard.mu.Lock()
	defer r.guard.mu.Unlock()
	return r.guard.homes.version
}

// Recall adds homes that were kept over a restart: the offices whose phones are
// about to come back all at once. Those too old, or from the future, are left out.
func (r *Registrar) Recall(kept []Home) {
	now := r.now()
	slices.SortStableFunc(kept, func(a, b Home) int { return a.At.Compare(b.At) })
	r.guard.mu.Lock()
	defer r.guard.mu.Unlock()
	for _, h := range kept {
		if age := now.Sub(h.At); isUser(h.User) && h.Network.IsValid() && age >= 0 && age <= homeFor {
			r.guard.homes.add(h.At, network(h.Network), h.User)
		}
	}
}
