package redis

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"

	"github.com/outpace-dialer/outpace/campaigns"
)

var errRecord = errors.New("redis: a lead record cannot be read")

// unpacker reads what packer wrote.
type unpacker struct {
	b    []byte
	word func(uint64) (string, error)
	err  error
}

func (u *unpacker) fail() {
	u.b = nil
	if u.err == nil {
		u.err = errRecord
	}
}

func (u *unpacker) uint() uint64 {
	n, size := binary.Uvarint(u.b)
	if size <= 0 {
		u.fail()
		return 0
	}
	u.b = u.b[size:]
	return n
}

func (u *unpacker) int() int64 {
	n, size := binary.Varint(u.b)
	if size <= 0 {
		u.fail()
		return 0
	}
	u.b = u.b[size:]
	return n
}

func (u *unpacker) take(n uint64) []byte {
	if n > uint64(len(u.b)) {
		u.fail()
		return make([]byte, 8)[:min(n, 8)]
	}
	taken := u.b[:n]
	u.b = u.b[n:]
	return taken
}

func (u *unpacker) byte() byte {
	if b := u.take(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (u *unpacker) eight() uint64 {
	var b [8]byte
	copy(b[:], u.take(8))
	return binary.BigEndian.Uint64(b[:])
}

func (u *unpacker) time() time.Time { return moment(int64(u.eight())) }

func (u *unpacker) text() string { return string(u.take(u.uint())) }

func (u *unpacker) known() string {
	n := u.uint()
	if n == 0 || u.err != nil {
		return ""
	}
	var word string
	word, u.err = u.word(n)
	return word
}

func (u *unpacker) phone() string {
	n := u.uint()
	if n&1 == 1 {
		return string(u.take(n >> 1))
	}
	digits := int(min(n>>1, 64))
	out := []byte{'+'}
	for _, b := range u.take(uint64(digits+1) / 2) {
		out = append(out, '0'+b>>4, '0'+b&15)
	}
	return string(out[:min(1+digits, len(out))])
}

func (u *unpacker) attempt() campaigns.AttemptID {
	n := u.uint()
	if n > 0 {
		return campaigns.AttemptID(u.take(n - 1))
	}
	id, err := uuid.FromBytes(u.take(16))
	if err != nil {
		u.fail()
	}
	return campaigns.AttemptID(id.String())
}

func (u *unpacker) number() float64 {
	n := u.int()
	if n != 1 {
		return float64(n >> 1)
	}
	return math.Float64frombits(u.eight())
}

func unpack(id campaigns.LeadID, b []byte, word func(uint64) (string, error)) (record, error) {
	u := &unpacker{b: b, word: word}
	var r record
	version := u.byte()
	if version < 1 || version > recordVersion {
		return r, fmt.Errorf("lead %d: form %d: %w", id, version, errRecord)
	}
	f := u.byte()
	l := &r.lead
	l.ID, l.List = id, campaigns.ListID(u.known())
	if f&hasName != 0 {
		l.Name = u.text()
	}
	if f&hasExternalID != 0 {
		l.ExternalID = u.text()
	}
	for range min(u.uint(), 1000) {
		e164 := u.phone()
		l.Numbers = append(l.Numbers, numberOf(e164, u.known()))
	}
	g := &l.Grades
	g.Stage, g.Temperature = campaigns.Stage(u.known()), campaigns.Temperature(u.known())
	for _, n := range []*int{&g.CP, &g.PI, &g.Level, &g.Progress} {
		*n = int(u.int())
	}
	l.CreatedAt = u.time()
	l.UpdatedAt = l.CreatedAt
	if f&updatedLater != 0 {
		l.UpdatedAt = u.time()
	}
	copy(r.row[:], u.take(8))
	copy(r.grades[:], u.take(6))
	if f&hasLast != 0 {
		r.lastOutcome = campaigns.Outcome(u.known())
		r.lastAt = u.time()
	}
	if f&hasFields != 0 {
		l.Fields = map[string]string{}
		for range min(u.uint(), 10_000) {
			k := u.known()
			l.Fields[k] = u.text()
		}
	}
	if f&hasNote != 0 {
		l.Note = u.text()
	}
	for range min(u.uint(), 10_000) {
		r.entries = append(r.entries, u.entry(r, version))
	}
	if u.err != nil {
		return record{}, fmt.Errorf("lead %d: %w", id, u.err)
	}
	return r, nil
}

func (u *unpacker) entry(r record, version byte) entry {
	f := u.byte()
	e := entry{state: entryState(f & stateBits), moved: f&isMoved != 0, untried: f&isUntried != 0}
	e.campaign, e.segment = campaigns.CampaignID(u.known()), u.known()
	switch i := u.uint(); {
	case i == 0:
		e.number = u.text()
	case i <= uint64(len(r.lead.Numbers)):
		e.number = r.lead.Numbers[i-1].E164
	default:
		u.fail()
	}
	if f&hasPriority != 0 {
		e.priority = u.number()
	}
	e.due = r.lead.CreatedAt
	if f&hasDue != 0 {
		e.due = u.time()
	}
	if f&hasHistory != 0 {
		e.attempts = int(u.uint())
		e.lastAttempt = u.attempt()
		e.lastOutcome = campaigns.Outcome(u.known())
		e.lastAt = u.time()
		if version > 1 {
			e.operator = campaigns.UserID(u.known())
		}
	}
	if f&hasCallback != 0 {
		e.callbackAt = u.time()
		e.callbackUser = campaigns.UserID(u.text())
	}
	return e
}
