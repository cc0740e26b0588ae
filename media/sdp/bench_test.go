package sdp

import "testing"

// BenchmarkOffer is what each call costs: our offer, and the look at what comes back for
// whether a browser made it.
func BenchmarkOffer(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if OfBrowser(Offer(9, here, both).Marshal()) {
			b.Fatal("a browser's")
		}
	}
}
