package calibration

import "math"

// Share is K of N, with the 95 % interval of what it stands for (Wilson 1927).
type Share struct {
	K     int     `json:"k"`
	N     int     `json:"n"`
	Share float64 `json:"share"` // 0 where N is 0
	Low   float64 `json:"low"`
	High  float64 `json:"high"` // 1 where N is 0
}

const z = 1.96 // of 95 %

func shareOf(k, n int) Share {
	if n == 0 {
		return Share{High: 1}
	}
	p, m := float64(k)/float64(n), float64(n)
	centre, half := p+z*z/(2*m), z*math.Sqrt(p*(1-p)/m+z*z/(4*m*m))
	return Share{K: k, N: n, Share: p, Low: max(0, (centre-half)/(1+z*z/m)), High: min(1, (centre+half)/(1+z*z/m))}
}
