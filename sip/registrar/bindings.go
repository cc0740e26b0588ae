package registrar

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Binding is where a user's phone is. Requests go to the flow, the address
// and transport that the REGISTER came from, because behind NAT nothing else
// reaches the phone (RFC 5626 section 1); Contact is only the Request-URI.
type Binding struct {
	User      string
	Contact   string         // URI, as the phone gave it
	Transport string         // "udp", "tcp", "tls" or "ws"
	Source    netip.AddrPort // the far end of the flow; the nearest proxy of Path
	Path      []string       // proxies on the way, the nearest first (RFC 3327); nil: none
	UserAgent string         // what the phone says it is; may be empty
	Since     time.Time      // first registration without a gap
	Expires   time.Time

	origin netip.AddrPort // Source, or behind a proxy where that saw the phone
	callID string         // of the REGISTERs; their CSeq must rise (RFC 3261 section 10.3)
	cseq   uint32
	misses int       // keep-alives in a row that found nobody
	nextAt time.Time // of the next keep-alive
	asking bool      // a keep-alive is out
}

// bindings are the registered phones, one per user: the newest wins. Not
// safe for concurrent use.
type bindings struct {
	users   map[string]*Binding
	sources map[netip.AddrPort]int // bindings per origin
}

func newBindings() *bindings {
	return &bindings{
		users:   make(map[string]*Binding),
		sources: make(map[netip.AddrPort]int),
	}
}

// bind puts a binding in the place of the user's last one, and says whether
// the user had none.
func (b *bindings) bind(next Binding) (first bool) {
	last := b.users[next.User]
	if last != nil {
		next.Since = last.Since
		b.unbind(last)
	}
	b.users[next.User] = &next
	b.sources[next.origin]++
	return last == nil
}

// unbind forgets a binding.
func (b *bindings) unbind(old *Binding) {
	delete(b.users, old.User)
	if b.sources[old.origin]--; b.sources[old.origin] == 0 {
		delete(b.sources, old.origin)
	}
}

// owns says whether the user's phone is at this origin.
func (b *bindings) owns(user string, origin netip.AddrPort) bool {
	bound := b.users[user]
	return bound != nil && bound.origin == origin
}

// all lists the bindings by user name.
func (b *bindings) all() []Binding {
	list := make([]Binding, 0, len(b.users))
	for _, bound := range b.users {
		list = append(list, *bound)
	}
	slices.SortFunc(list, func(a, b Binding) int { return strings.Compare(a.User, b.User) })
	return list
}
