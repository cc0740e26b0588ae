package phone

// Join relays what each end hears to the other, payload for payload, in place
// of their own audio: what a dialer does between a customer and an operator.
// The far ends can so be tried without one. The function that it returns parts
// them again; both then send silence.
func Join(a, b *Audio) (part func()) {
	a.relaying(true)
	b.relaying(true)
	a.Listen(func(p *Packet) { b.forward(p) })
	b.Listen(func(p *Packet) { a.forward(p) })
	return func() {
		for _, x := range []*Audio{a, b} {
			x.Listen(func(*Packet) {})
			x.relaying(false)
		}
	}
}

func (a *Audio) relaying(on bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.relay = on
}

// forward sends a payload of another end as it is.
func (a *Audio) forward(p *Packet) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.sending || !a.relay || len(p.Payload) > FrameSamples {
		return
	}
	copy(a.packet[12:], p.Payload)
	a.send(byte(p.Law), p.Marker, a.clock, a.packet[12:12+len(p.Payload)])
	a.clock += uint32(len(p.Payload))
}
