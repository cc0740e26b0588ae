package carrier

import (
	"cmp"
	"encoding/binary"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"time"
)

// Kind is who or what is at a number.
type Kind string

// The kinds of far end.
const (
	Person       Kind = "person"
	Machine      Kind = "machine"       // greeting, beep, silence
	Fax          Kind = "fax"           // answers with CED
	Silent       Kind = "silent"        // answers and says nothing
	Busy         Kind = "busy"          // 486
	Absent       Kind = "absent"        // 480, Q.850 cause 20
	NoAnswer     Kind = "no_answer"     // rings until CANCEL
	Invalid      Kind = "invalid"       // 404
	SIT          Kind = "sit"           // 183 with the tri-tone, then 404
	Announcement Kind = "announcement"  // 183 with a spoken message, rings on until CANCEL
	Congestion   Kind = "congestion"    // 503
	Declined     Kind = "declined"      // 603
	Redirect     Kind = "redirect"      // 302 to a number elsewhere
	LateAnswer   Kind = "late_answer"   // 200 after the CANCEL
	TwoAnswers   Kind = "two_answers"   // two 200 with different tags
	FalseAnswer  Kind = "false_answer"  // 200 and BYE within a second, without audio
	HoldsPerson  Kind = "holds_person"  // a person who puts the dialer on hold and takes it back
	OfferPerson  Kind = "offer_person"  // a person whose line sends a re-INVITE without an offer
	BusinessLine Kind = "business_line" // a person with a long greeting
	Recorded     Kind = "recorded"      // plays Behaviour.Recording
)

// Mix is the share of calls that meet each kind; what is left over of 1, with
// the persons, is no answer too.
type Mix struct {
	Machine, Busy, NoAnswer, Invalid, SIT, Congestion, LateAnswer, Fax, Declined float64
}

// DefaultMix goes with a live share of 0.3. Answers that come only after our
// CANCEL are rare: each is a live person lost, and at 1 % of records they alone
// would be 3 % of the live answers.
var DefaultMix = Mix{Machine: .35, Busy: .05, NoAnswer: .208, Invalid: .04, SIT: .02, Congestion: .01, LateAnswer: .002, Fax: .01, Declined: .01}

// Behaviour is how one call will go.
type Behaviour struct {
	Kind       Kind
	Ring       time.Duration // from the INVITE to the answer or refusal; 0 is at once
	Ringback   bool          // 183 with ringback in the audio in place of 180
	Talk       time.Duration // how long a person talks to an operator
	Patience   time.Duration // how long a person waits in silence after the greeting
	Greeting   int           // which of the voices
	RetryAfter int           // seconds, on a 503
	Recording  *Recording    // of Recorded
}

// Plan is what attempt number attempt (from 1) of a number meets. It depends on
// nothing but the seed, the number and the attempt: not on the order of calls.
// What a line is (invalid, fax) is a matter of the number alone.
func Plan(cfg Config, number string, attempt int) Behaviour {
	cfg = cfg.withDefaults()
	draw := rand.New(rand.NewPCG(cfg.Seed, hashOf(number, attempt)))
	b := Behaviour{
		Ring:     max(2*time.Second, lognormal(draw, cfg.PersonRing, 0.5)),
		Ringback: draw.Float64() < 0.2,
		Talk:     max(2*time.Second, lognormal(draw, cfg.TalkMean, 0.6)),
		Patience: max(time.Second, lognormal(draw, cfg.Patience, 0.5)),
		Greeting: draw.IntN(1 << 16),
	}
	b.Kind = cfg.kind(draw, number)
	if cfg.Behave != nil {
		if own, ok := cfg.Behave(number, attempt); ok {
			return own.filledFrom(b)
		}
	}
	if b.Kind == Machine || b.Kind == Fax {
		b.Ring = 12*time.Second + time.Duration(draw.Int64N(int64(6*time.Second)))
		if b.Kind == Fax {
			b.Ring = 4 * time.Second
		}
		return b
	}
	b.Ring = max(500*time.Millisecond, scaled(b.Ring, cfg.Speed))
	b.Talk = max(500*time.Millisecond, scaled(b.Talk, cfg.Speed))
	return b
}

// filledFrom takes what a table left open from the draw. Times that a table
// names are not divided by Speed.
func (b Behaviour) filledFrom(drawn Behaviour) Behaviour {
	b.Talk, b.Patience, b.Greeting = cmp.Or(b.Talk, drawn.Talk), cmp.Or(b.Patience, drawn.Patience), cmp.Or(b.Greeting, drawn.Greeting)
	return b
}

// kind draws who is there: first by the number alone what does not change,
// then by the attempt.
func (cfg Config) kind(draw *rand.Rand, number string) Kind {
	m := cfg.Mix
	line := rand.New(rand.NewPCG(cfg.Seed, hashOf(number, 0))).Float64()
	for _, k := range []struct {
		kind  Kind
		share float64
	}{{Invalid, m.Invalid}, {SIT, m.SIT}, {Fax, m.Fax}} {
		if line < k.share {
			return k.kind
		}
		line -= k.share
	}
	at := draw.Float64() * (1 - m.Invalid - m.SIT - m.Fax)
	for _, k := range []struct {
		kind  Kind
		share float64
	}{{Person, cfg.LiveShare}, {Machine, m.Machine}, {Busy, m.Busy}, {Congestion, m.Congestion}, {LateAnswer, m.LateAnswer}, {Declined, m.Declined}} {
		if at < k.share {
			return k.kind
		}
		at -= k.share
	}
	return NoAnswer
}

func hashOf(number string, attempt int) uint64 {
	h := fnv.New64a()
	h.Write([]byte(number))                                            //nolint:errcheck // never fails
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(attempt)|1<<32)) //nolint:errcheck // never fails
	return h.Sum64()
}

// lognormal draws a duration with the given mean and spread (sigma of the
// logarithm).
func lognormal(draw *rand.Rand, mean time.Duration, sigma float64) time.Duration {
	return time.Duration(float64(mean) * math.Exp(sigma*draw.NormFloat64()-sigma*sigma/2))
}

func scaled(d time.Duration, speed float64) time.Duration {
	return time.Duration(float64(d) / speed)
}
