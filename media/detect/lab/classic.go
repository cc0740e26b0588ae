package main

import "time"

// classic is the rule of Asterisk's answering machine detection, written anew
// from its description: words, silences and how long they last, against one
// fixed level. It hears no tones and knows no noise.
type classic struct {
	initialSilence time.Duration // before the first word: a machine
	greeting       time.Duration // so much voice: a machine
	afterGreeting  time.Duration // silence after a word: a person
	total          time.Duration // analysed: not sure
	minWord        time.Duration
	betweenWords   time.Duration // silence that parts two words
	maxWord        time.Duration // longer: a machine
	maxWords       int           // more: a machine
	threshold      int           // mean magnitude of a frame that is no silence

	heard, silence, voice, run time.Duration // run: voice since the last gap
	words                      int
	inWord, spoken             bool
	label                      string
	at                         time.Duration
}

// newClassic has the values of the sample configuration.
func newClassic() *classic {
	const ms = time.Millisecond
	return &classic{initialSilence: 2500 * ms, greeting: 1500 * ms, afterGreeting: 800 * ms, total: 5 * time.Second, minWord: 100 * ms,
		betweenWords: 50 * ms, maxWord: 5 * time.Second, maxWords: 2, threshold: 256, inWord: true, label: "unknown"}
}

// tunedClassic has those that were best on the public set, a person lost weighing three times.
func tunedClassic() *classic {
	const ms = time.Millisecond
	c := newClassic()
	c.initialSilence, c.greeting, c.afterGreeting, c.betweenWords, c.maxWords = 4*time.Second, 2500*ms, 650*ms, 120*ms, 4
	return c
}

// hear takes a frame of 20 ms.
func (c *classic) hear(frame []int16) {
	if c.label != "unknown" || c.heard >= c.total {
		return
	}
	const length = 20 * time.Millisecond
	c.heard += length
	sum := 0
	for _, v := range frame {
		sum += max(int(v), -int(v))
	}
	if sum < c.threshold*len(frame) {
		c.hush(length)
	} else {
		c.speak(length)
	}
}

func (c *classic) hush(length time.Duration) {
	c.silence += length
	if c.silence >= c.betweenWords {
		c.inWord, c.run = false, 0
	}
	switch {
	case !c.spoken && c.silence >= c.initialSilence:
		c.decide("machine")
	case c.spoken && c.silence >= c.afterGreeting:
		c.decide("human")
	}
}

func (c *classic) speak(length time.Duration) {
	c.voice += length
	c.run += length
	if c.run >= c.minWord && !c.inWord {
		c.inWord = true
		c.words++
	}
	if c.voice >= c.minWord {
		c.silence = 0
	}
	c.spoken = c.spoken || c.run >= c.minWord
	if c.words > c.maxWords || c.run >= c.maxWord || c.voice >= c.greeting {
		c.decide("machine")
	}
}

func (c *classic) decide(label string) { c.label, c.at = label, c.heard }
