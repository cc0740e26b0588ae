package redis

// Work is what the nodes of a store do, each figure a second and of all of them
// together, but for Nodes.
type Work struct {
	Nodes                         float64
	Attempts, PickedUp, Connected float64 // dials; those answered by anybody; those with an operator
	Abandoned                     float64
}

// Load is what a Work asks of Redis a second. It reckons with a hopper of the usual
// size that refills at its half, one campaign, one trunk, and no webhooks, journals
// or browsers that look on.
type Load struct {
	Attempts float64 `json:"attempts"`
	Messages float64 `json:"messages"` // commands that the nodes send
	Commands float64 `json:"commands"` // as INFO counts them, with those inside scripts: instantaneous_ops_per_sec
}

// cost is what one operation asks of Redis.
type cost struct{ messages, commands float64 }

// What it costs, measured by TestLoad, which fails where it is not so any more.
var (
	costOfClaim   = cost{2, 8.5}    // of a lead, among a hundred
	costOfCall    = cost{17, 88}    // begun and ended
	costOfDialog  = cost{3, 11}     // kept, of a call that somebody answered
	costOfDispose = cost{5, 29}     // what an operator says of a call
	costOfRenewal = cost{2, 18}     // of a lease, with what is shared
	costOfLooks   = cost{4.5, 28.5} // of a second, at what others changed; and what the node shows
)

// Load reckons.
func (w Work) Load() Load {
	l := Load{Attempts: w.Attempts}
	add := func(times float64, c cost) {
		l.Messages += times * c.messages
		l.Commands += times * c.commands
	}
	add(w.Attempts, costOfClaim)
	add(w.Attempts, costOfCall)
	add(w.PickedUp, costOfDialog)
	add(w.Connected, costOfDispose)
	add(w.Nodes+w.Abandoned, costOfRenewal) // each second, and at once after a call was abandoned
	add(w.Nodes, costOfLooks)
	return l
}
