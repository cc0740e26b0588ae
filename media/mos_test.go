package media

import (
	"math"
	"testing"
	"time"
)

// MOS against the values that ITU-T G.107 annex B and G.109 print.
func TestMOSOfARating(t *testing.T) {
	for rating, want := range map[float64]float64{
		93.2: 4.41, 90: 4.34, 80: 4.03, 70: 3.60, 60: 3.10, 50: 2.58, 0: 1, -7: 1, 100: 4.5, 120: 4.5,
	} {
		if got := MOS(rating); math.Abs(got-want) > 0.011 {
			t.Errorf("MOS(%v) = %.3f, want %.2f", rating, got, want)
		}
	}
}

// What loss costs G.711 with concealment, against the table of ITU-T G.113 (05/1999)
// appendix I for random loss, which the formula of G.107 replaced.
func TestRatingOfLoss(t *testing.T) {
	for percent, want := range map[float64]float64{0: 0, 1: 5, 2: 7, 3: 10, 5: 15, 7: 20, 10: 25} {
		if got := bestRating - Rating(percent/100, 1, 0); math.Abs(got-want) > 2.1 {
			t.Errorf("%v %% lost cost %.1f, want about %.0f", percent, got, want)
		}
	}
	if random, bursts := Rating(0.05, 1, 0), Rating(0.05, 4, 0); bursts >= random {
		t.Errorf("loss in bursts %.1f, at random %.1f: want it worse", bursts, random)
	}
}

// delayImpairment is Id of ITU-T G.107 clause 7.4 in full, at the default values of all
// that belongs to it but the delay: T = Ta = ms, Tr = 2T.
func delayImpairment(ms float64) float64 {
	const ro, echoLoss, ownLoudness, circuitNoise, listenerLoss = 94.77, 65, 2, -61.18, 110
	talker := func() float64 {
		terv := echoLoss - 40*math.Log10((1+ms/10)/(1+ms/150)) + 6*math.Exp(-0.3*ms*ms)
		roe, re := -1.5*(circuitNoise-ownLoudness), 80+2.5*(terv-14)
		return ((roe-re)/2 + math.Sqrt((roe-re)*(roe-re)/4+100) - 1) * (1 - math.Exp(-ms))
	}
	listener := func() float64 {
		rle := 10.5 * (listenerLoss + 7) * math.Pow(2*ms+1, -0.25)
		return (ro-rle)/2 + math.Sqrt((ro-rle)*(ro-rle)/4+169)
	}
	absolute := func() float64 {
		if ms <= 100 {
			return 0
		}
		x := math.Log2(ms / 100)
		return 25 * (math.Pow(1+math.Pow(x, 6), 1.0/6) - 3*math.Pow(1+math.Pow(x/3, 6), 1.0/6) + 2)
	}
	return talker() + listener() + absolute()
}

// The fit that we use for the delay stays within 3.5 points of the full formula.
func TestRatingOfDelay(t *testing.T) {
	for ms := 0.0; ms <= 400; ms += 25 {
		delay := time.Duration(ms) * time.Millisecond
		got, want := bestRating-Rating(0, 1, delay), delayImpairment(ms)-delayImpairment(0)
		if math.Abs(got-want) > 3.5 {
			t.Errorf("%v ms cost %.1f, by the full formula %.1f", ms, got, want)
		}
	}
}

func TestRatingStaysInRange(t *testing.T) {
	for _, loss := range []float64{-1, 0, 0.5, 1, 9, math.Inf(1)} {
		for _, burst := range []float64{0, 1, 1e9} {
			for _, delay := range []time.Duration{-time.Second, 0, time.Hour} {
				if r := Rating(loss, burst, delay); !(r >= 0 && r <= bestRating) || MOS(r) < 1 {
					t.Errorf("Rating(%v, %v, %v) = %v", loss, burst, delay, r)
				}
			}
		}
	}
}

func TestQuality(t *testing.T) {
	clean := Quality{Received: 500, Expected: 500, Jitters: 500, JitterSum: 500 * time.Millisecond, RoundTrip: 40 * time.Millisecond}
	if got := clean.MOS(); got < 4.38 || got > 4.41 || clean.Loss() != 0 || clean.Jitter() != time.Millisecond {
		t.Errorf("a clean leg: MOS %.3f, loss %v, jitter %v", got, clean.Loss(), clean.Jitter())
	}
	lossy := Quality{Received: 460, Repeated: 10, Expected: 500, Runs: 50}
	if lossy.Lost() != 50 || lossy.Loss() != 0.1 {
		t.Errorf("lost %d, %.2f, want 50 and 0.1: what came twice makes up for nothing", lossy.Lost(), lossy.Loss())
	}
	bursts := lossy
	bursts.Runs = 5
	if a, b := lossy.MOS(), bursts.MOS(); !(b < a && a < 3.5 && b > 1) {
		t.Errorf("MOS %.2f at random, %.2f in bursts", a, b)
	}
	var none Quality
	if none.MOS() != 0 || none.Loss() != 0 || none.Jitter() != 0 {
		t.Errorf("of nothing: %v, %v, %v", none.MOS(), none.Loss(), none.Jitter())
	}
	talk := Quality{Received: 700, Expected: 750, Runs: 25, Jitters: 600, JitterSum: time.Second, RoundTrip: 30 * time.Millisecond}.Since(clean)
	if talk.Received != 200 || talk.Expected != 250 || talk.Runs != 25 || talk.Jitter() != 5*time.Millisecond || talk.RoundTrip != 30*time.Millisecond {
		t.Errorf("since = %+v", talk)
	}
	if anew := (Quality{Sent: 5}).Since(clean); anew.Received != 0 || anew.Sent != 5 {
		t.Errorf("since an earlier leg = %+v, want no wrap-around", anew)
	}
}
