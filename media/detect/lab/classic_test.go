package main

import (
	"testing"
	"time"
)

func TestClassic(t *testing.T) {
	const ms = time.Millisecond
	// sound is made of stretches: quiet, loud, quiet and so on.
	sound := func(stretches ...time.Duration) (pcm []int16) {
		for i, d := range stretches {
			for range int(d.Seconds() * 8000) {
				pcm = append(pcm, int16(i%2*1000))
			}
		}
		return pcm
	}
	tests := []struct {
		name  string
		rule  *classic
		sound []int16
		want  string
		at    time.Duration
	}{
		{"hello", newClassic(), sound(300*ms, 500*ms, 2*time.Second), "human", 1600 * ms},
		{"nobody", newClassic(), sound(5 * time.Second), "machine", 2500 * ms},
		{"nobody yet", tunedClassic(), sound(3*time.Second, 500*ms, 2*time.Second), "human", 4160 * ms},
		{"long", newClassic(), sound(300*ms, 3*time.Second), "machine", 1800 * ms},
		{"three words", newClassic(), sound(200*ms, 200*ms, 200*ms, 200*ms, 200*ms, 200*ms), "machine", 1100 * ms},
		{"four words, tuned", tunedClassic(), sound(200*ms, 200*ms, 200*ms, 200*ms, 200*ms, 200*ms, 200*ms, 200*ms, time.Second), "human", 2260 * ms},
		{"first word at once is not counted", newClassic(), sound(0, 200*ms, 200*ms, 200*ms, 200*ms, 200*ms, time.Second), "human", 1800 * ms},
		{"a click is no word", newClassic(), sound(time.Second, 60*ms, 3*time.Second), "machine", 2560 * ms},
		{"not sure", tunedClassic(), sound(3900*ms, 1500*ms), "unknown", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for pcm := tt.sound; len(pcm) >= 160; pcm = pcm[160:] {
				tt.rule.hear(pcm[:160])
			}
			if tt.rule.label != tt.want || tt.rule.at != tt.at {
				t.Errorf("verdict = %s at %v, want %s at %v", tt.rule.label, tt.rule.at, tt.want, tt.at)
			}
		})
	}
}
