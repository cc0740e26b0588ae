package redis

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/outpace-dialer/outpace/campaigns"
)

// A record is kept as one packed value, some 90 bytes for a lead that was never
// called: words of a dictionary in place of what many leads share, digits two to
// a byte, and nothing for what is not there.

// recordVersion is the first byte of a record: the form of the rest.
const recordVersion = 2 // 1 had no operators

// Flags of a record and of an entry: what follows, and what need not.
const (
	hasName = 1 << iota
	hasExternalID
	hasFields
	hasNote
	hasLast
	updatedLater // updated_at is not created_at
)

const (
	stateBits   = 3
	hasPriority = 1 << (iota + 1) // from 4 on
	hasDue                        // not the time the lead was created
	hasHistory
	hasCallback
	isMoved
	isUntried
)

// packer writes values. word gives the number of a word.
type packer struct {
	b    []byte
	word func(string) (uint64, error)
	err  error
}

func (p *packer) uint(n uint64)    { p.b = binary.AppendUvarint(p.b, n) }
func (p *packer) int(n int64)      { p.b = binary.AppendVarint(p.b, n) }
func (p *packer) time(t time.Time) { p.b = binary.BigEndian.AppendUint64(p.b, uint64(stamp(t))) }
func (p *packer) byte(b byte)      { p.b = append(p.b, b) }
func (p *packer) text(s string)    { p.uint(uint64(len(s))); p.b = append(p.b, s...) }

func (p *packer) known(word string) {
	n := uint64(0)
	if word != "" && p.err == nil {
		n, p.err = p.word(word)
	}
	p.uint(n)
}

// phone writes an E.164 number two digits to a byte, and anything else as it is.
func (p *packer) phone(e164 string) {
	digits, plus := strings.CutPrefix(e164, "+")
	if !plus || strings.Trim(digits, "0123456789") != "" {
		p.uint(uint64(len(e164))<<1 | 1)
		p.b = append(p.b, e164...)
		return
	}
	p.uint(uint64(len(digits)) << 1)
	for i := 0; i < len(digits); i += 2 {
		b := (digits[i] - '0') << 4
		if i+1 < len(digits) {
			b |= digits[i+1] - '0'
		}
		p.byte(b)
	}
}

// attempt writes an attempt id, which is mostly a UUID.
func (p *packer) attempt(id campaigns.AttemptID) {
	u, err := uuid.Parse(string(id))
	if err == nil && u.String() == string(id) {
		p.uint(0)
		p.b = append(p.b, u[:]...)
		return
	}
	p.uint(uint64(len(id)) + 1)
	p.b = append(p.b, id...)
}

func pack(r record, word func(string) (uint64, error)) ([]byte, error) {
	p := &packer{b: make([]byte, 0, 128), word: word}
	l := r.lead
	p.byte(recordVersion)
	p.byte(flags(l.Name != "", l.ExternalID != "", len(l.Fields) > 0, l.Note != "", r.lastOutcome != "", !l.UpdatedAt.Equal(l.CreatedAt)))
	p.known(string(l.List))
	for _, s := range []string{l.Name, l.ExternalID} {
		if s != "" {
			p.text(s)
		}
	}
	p.uint(uint64(len(l.Numbers)))
	for _, n := range l.Numbers {
		p.phone(n.E164)
		p.known(numberWord(n))
	}
	g := l.Grades
	p.known(string(g.Stage))
	p.known(string(g.Temperature))
	for _, n := range []int{g.CP, g.PI, g.Level, g.Progress} {
		p.int(int64(n))
	}
	p.time(l.CreatedAt)
	if !l.UpdatedAt.Equal(l.CreatedAt) {
		p.time(l.UpdatedAt)
	}
	p.b = append(append(p.b, r.row[:]...), r.grades[:]...)
	if r.lastOutcome != "" {
		p.known(string(r.lastOutcome))
		p.time(r.lastAt)
	}
	if len(l.Fields) > 0 {
		p.uint(uint64(len(l.Fields)))
		for _, k := range sortedKeys(l.Fields) {
			p.known(k)
			p.text(l.Fields[k])
		}
	}
	if l.Note != "" {
		p.text(l.Note)
	}
	p.uint(uint64(len(r.entries)))
	for _, e := range r.entries {
		p.entry(e, r)
	}
	return p.b, p.err
}

func flags(set ...bool) byte {
	var f byte
	for i, s := range set {
		if s {
			f |= 1 << i
		}
	}
	return f
}

func sortedKeys(m map[string]string) []string {
	names := make([]string, 0, len(m))
	for k := range m {
		names = append(names, k)
	}
	slices.Sort(names)
	return names
}

// numberWord is all of a number but its digits, as one word: leads of one import
// have few of them.
func numberWord(n campaigns.Number) string {
	bad := ""
	if n.Bad {
		bad = "!"
	}
	return string(n.Window()) + "\x1f" + string(n.Kind) + "\x1f" + n.Basis + "\x1f" + bad
}

func numberOf(e164, word string) campaigns.Number {
	f := strings.Split(word, "\x1f")
	if len(f) != 4 {
		return campaigns.Number{E164: e164}
	}
	class := campaigns.WindowClass(f[0])
	return campaigns.Number{E164: e164, Zones: class.Zones(), Regions: class.Regions(), Kind: campaigns.NumberKind(f[1]), Basis: f[2], Bad: f[3] != ""}
}

func (p *packer) entry(e entry, r record) {
	f := byte(e.state)
	set := func(on bool, flag byte) {
		if on {
			f |= flag
		}
	}
	history := e.attempts != 0 || e.lastAttempt != "" || e.lastOutcome != ""
	set(e.priority != 0, hasPriority)
	set(!e.due.Equal(r.lead.CreatedAt), hasDue)
	set(history, hasHistory)
	set(!e.callbackAt.IsZero(), hasCallback)
	set(e.moved, isMoved)
	set(e.untried, isUntried)
	p.byte(f)
	p.known(string(e.campaign))
	p.known(e.segment)
	// The number is mostly one of the lead's: 1 is the first, 0 another.
	i := slices.IndexFunc(r.lead.Numbers, func(n campaigns.Number) bool { return n.E164 == e.number }) + 1
	p.uint(uint64(i))
	if i == 0 {
		p.text(e.number)
	}
	if e.priority != 0 {
		p.number(e.priority)
	}
	if f&hasDue != 0 {
		p.time(e.due)
	}
	if history {
		p.uint(uint64(e.attempts))
		p.attempt(e.lastAttempt)
		p.known(string(e.lastOutcome))
		p.time(e.lastAt)
		p.known(string(e.operator))
	}
	if f&hasCallback != 0 {
		p.time(e.callbackAt)
		p.text(string(e.callbackUser))
	}
}

// number writes a small whole number as such, any other in 8 bytes.
func (p *packer) number(x float64) {
	if n := int64(x); float64(n) == x && n > -1<<40 && n < 1<<40 {
		p.int(n << 1)
		return
	}
	p.int(1)
	p.b = binary.BigEndian.AppendUint64(p.b, math.Float64bits(x))
}
