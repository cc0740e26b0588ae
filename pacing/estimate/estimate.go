// Package estimate learns what the network and the people do while calls are
// placed. Everything is discounted, so that a changed day is followed, and
// nothing here knows calls, operators, clocks or settings: only ages and counts.
//
//	Dials     when does a dial end, and with a live answer?  (competing risks)
//	Level     how do answers come against that expectation?  (gamma-Poisson, drift)
//	Duration  how long do talk and wrap-up last?             (censored survival)
//	Pace      who takes longer, or less, than is usual?      (empirical Bayes)
//	Delays    how long until a trunk lets a call ring?       (discounted means)
//	Share     how often does a thing happen?                 (discounted share)
//	Mean      how long does a thing take on average?         (discounted mean)
//
// It is not a model of a call centre: package pacing puts the pieces together.
package estimate

// bin returns the bin of width seconds that age falls in, within [0, n).
// Garbage (negative, NaN) falls in the first bin.
func bin(age, width float64, n int) int {
	if !(age > 0) {
		return 0
	}
	if bins := age / width; bins < float64(n-1) {
		return int(bins)
	}
	return n - 1
}
