package campaigns

import (
	"bytes"
	"fmt"
	"testing"
)

// BenchmarkPackLines compresses chunks as full as they are written.
func BenchmarkPackLines(b *testing.B) {
	var lines bytes.Buffer
	for n := 0; lines.Len() < 256<<10; n++ {
		fmt.Fprintf(&lines, `{"type":"decide","t":1764113529.%d,"ns":17641135291%08d,"seq":%d,"events":[{"type":"ended","call":"0193-%016x","cause":"busy"}],"room":%d,"bound":"cps","segment":"all","answer":{"dial":0,"cancel":[],"bound":"free","answer_probability":0.%d,"abandon_chance":0.%d,"threshold":0.03}}`+"\n",
			n*7919, n*104729, n, uint64(n)*0x9e3779b97f4a7c15, n%17, n*31, n*37)
	}
	b.SetBytes(int64(lines.Len()))
	b.ReportAllocs()
	packed := 0
	for b.Loop() {
		packed = len(PackLines(lines.Bytes()))
	}
	b.ReportMetric(float64(packed)/float64(lines.Len()), "packed/whole")
}
