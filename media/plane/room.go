package plane

import (
	"maps"
	"slices"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/bridge"
)

// room is a conference: everybody in it hears all others, mixed.
type room struct{ members []*leg }

// others are those in the room but l.
func (r *room) others(l *leg) []*leg {
	return slices.DeleteFunc(slices.Clone(r.members), func(m *leg) bool { return m == l })
}

// joins is what a manager's leg listens to.
type joins struct {
	customer *leg
	as       media.Presence
}

// Confer lets all of these legs hear each other, and none itself. Bridges and
// conferences that they were in end for them. Two legs are better bridged: what is
// mixed comes 20 to 60 ms later than what is relayed.
func (p *Plane) Confer(ids ...media.LegID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := &room{}
	for _, id := range ids {
		if l := p.leg(id); l != nil && !slices.Contains(r.members, l) {
			p.part(l)
			r.members = append(r.members, l)
		}
	}
	for _, l := range r.members {
		l.room = r
	}
	p.relisten(r.members...)
}

// leave takes l out of its conference. p.mu is held.
func (p *Plane) leave(l *leg) {
	r := l.room
	if r == nil {
		return
	}
	l.room, r.members = nil, r.others(l)
	p.relisten(append(r.others(l), l)...)
}

// Monitor lets listener hear a customer and whoever the customer is joined with, now
// and later, until Unmonitor or the end of either leg. Who hears the listener is said
// by as.
func (p *Plane) Monitor(listener, customer media.LegID, as media.Presence) {
	p.mu.Lock()
	defer p.mu.Unlock()
	from, c := p.leg(listener), p.leg(customer)
	if from == nil || c == nil || from == c {
		return
	}
	p.stopMonitoring(from)
	from.joins = joins{c, as}
	c.monitors = append(c.monitors, from)
	p.relisten(c)
}

// Unmonitor ends what Monitor began.
func (p *Plane) Unmonitor(listener media.LegID) {
	p.with(listener, p.stopMonitoring)
}

// stopMonitoring takes l from the listeners of its customer. p.mu is held.
func (p *Plane) stopMonitoring(l *leg) {
	c := l.joins.customer
	if c == nil {
		return
	}
	l.joins = joins{}
	c.monitors = slices.DeleteFunc(c.monitors, func(m *leg) bool { return m == l })
	p.rewire(append(company(c), c, l)...)
}

// forget takes a leg that ends from everybody who hears it. p.mu is held.
func (p *Plane) forget(l *leg) {
	p.stopMonitoring(l)
	for _, m := range slices.Clone(l.monitors) {
		p.stopMonitoring(m)
	}
	for listener := range maps.Clone(l.heardBy) {
		unhear(listener, l)
	}
	for speaker := range maps.Clone(l.hears) {
		unhear(l, speaker)
	}
}

// company is whom a leg is joined with.
func company(l *leg) []*leg {
	if l.room != nil {
		return l.room.others(l)
	}
	if pair := l.pairing.Load(); pair != nil && pair.customer == l {
		return []*leg{pair.operator}
	} else if pair != nil {
		return []*leg{pair.customer}
	}
	return nil
}

// relisten has legs and those who listen in on them hear whom they should, after
// who is joined with whom changed. p.mu is held.
func (p *Plane) relisten(legs ...*leg) {
	all := slices.Clone(legs)
	for _, l := range legs {
		for _, c := range append(company(l), l) {
			all = append(all, c)
			all = append(all, c.monitors...)
		}
	}
	p.rewire(all...)
}

// rewire gives each leg the voices that it should hear mixed, and no others. p.mu is
// held.
func (p *Plane) rewire(legs ...*leg) {
	for _, l := range legs {
		wanted := mixed(l)
		for speaker := range maps.Clone(l.hears) {
			if !slices.Contains(wanted, speaker) {
				unhear(l, speaker)
			}
		}
		for _, speaker := range wanted {
			if l.hears[speaker] == nil {
				hear(l, speaker)
			}
		}
	}
}

// mixed are the legs that l hears mixed over what is relayed to it: those of its
// conference, those whom it listens to, and managers who speak to it.
func mixed(l *leg) []*leg {
	var speakers []*leg
	if l.room != nil {
		speakers = l.room.others(l)
	}
	if c := l.joins.customer; c != nil {
		speakers = append(append(speakers, c), company(c)...)
	}
	for _, c := range append(company(l), l) {
		for _, m := range c.monitors {
			toAll := m.joins.as == media.Barge
			toOperator := m.joins.as == media.Whisper && l.spec.Kind == media.Operator
			if m != l && (toAll || toOperator) {
				speakers = append(speakers, m)
			}
		}
	}
	return slices.DeleteFunc(speakers, func(s *leg) bool { return s == l })
}

func hear(l, speaker *leg) {
	voice := l.output.AddVoice()
	l.hears[speaker], speaker.heardBy[l] = voice, voice
	speaker.tellListeners()
}

func unhear(l, speaker *leg) {
	l.output.RemoveVoice(l.hears[speaker])
	delete(l.hears, speaker)
	delete(speaker.heardBy, l)
	speaker.tellListeners()
}

// tellListeners tells the receiver of a leg who hears it mixed.
func (l *leg) tellListeners() {
	if len(l.heardBy) == 0 {
		l.listeners.Store(nil)
		return
	}
	voices := make([]*bridge.Voice, 0, len(l.heardBy))
	for _, v := range l.heardBy {
		voices = append(voices, v)
	}
	l.listeners.Store(&voices)
}
