package pacing

import "math"

// Misfortune must be payable: bad luck of so many standard deviations, or the
// answers of the calls in flight while operators leave. Where the window allows
// few calls in all, one misfortune overdraws it, and nothing is trusted.
const (
	payBack     = 0.45 // of the coming allowance that is trusted to pay back a debt
	payFrom     = 3.0  // live answers before anything is trusted of it
	sureSpread  = 3.3  // standard deviations, were D normal
	leastSpread = 0.6  // calls
	sureCredit  = 0.6  // calls that must be left then
	poor        = 5.0  // calls allowed from the window's begin to its end
	rich        = 10.0
	poorCredit  = 1.0
	leaving     = 0.9  // of the answers in flight, where few calls are allowed
	team        = 20.0 // operators who may leave at one moment unannounced; a larger floor does not
)

// wealth is 0 where the window allows few calls in all, 1 where it allows many.
func (a account) wealth() float64 {
	return max(0, min(1, (a.allowed*a.whole-poor)/(rich-poor)))
}

// toCome is the part of the allowance that is still to come and trusted to pay
// back a debt. A campaign whose end is not known trusts in none: it may be stopped
// at any time.
func (a account) toCome(s Settings) float64 {
	if s.WindowEnd.IsZero() || a.live < payFrom {
		return 0
	}
	return payBack * a.wealth() * a.allowed * a.ahead
}

// means are the calls that may be abandoned at once and still be paid.
func (a account) means(s Settings) float64 {
	w := a.wealth()
	return a.credit + a.toCome(s) - (w*sureCredit + (1-w)*poorCredit)
}

// bearsLeaving is how many live answers may be in flight so that what is lost of
// them were operators to leave could be paid. Only a window that allows few calls
// holds them back for that: where it allows many, the debt is paid later, and the
// care would cost 2 points in a thousand of a steady floor's utilisation.
func (a account) bearsLeaving(s Settings, atWork int) float64 {
	w := a.wealth()
	if w == 1 {
		return math.Inf(1)
	}
	leave := (1 - w) * leaving * min(1, team/float64(max(1, atWork)))
	return max(0, a.means(s)) / leave
}

// sure is the chance of abandonment up to which bad luck is payable, with the calls
// in the look-ahead. Many answers at once out of few calls are likelier than the normal
// law says: its quantile is corrected for the skewness of D (Cornish and Fisher 1938).
func (a account) sure(s Settings, l *lookAhead) float64 {
	spread := max(l.spreadAt(points-1), leastSpread)
	skewness := l.skew[points-1] / (spread * spread * spread)
	tail := sureSpread + max(0, -skewness)*(sureSpread*sureSpread-1)/6
	return 0.5 * math.Erfc((tail-a.means(s)/spread)/math.Sqrt2)
}
