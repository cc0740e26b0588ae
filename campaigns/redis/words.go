package redis

import (
	"context"
	"strconv"
	"sync"
)

// dictionary numbers the words that stand in the lead records of one shard. It
// lies in the slot of those records, so no master that takes over can have a
// record without its words. This is our copy of it: what a change writes is
// checked against the original in the same step.
type dictionary struct {
	mu      sync.Mutex
	numbers map[string]uint64
	words   map[uint64]string
}

func (d *dictionary) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.numbers, d.words = nil, nil
}

func (d *dictionary) add(word string, n uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.words == nil {
		d.numbers, d.words = map[string]uint64{}, map[uint64]string{}
	}
	d.numbers[word], d.words[n] = n, word
}

func (d *dictionary) number(word string) (uint64, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, ok := d.numbers[word]
	return n, ok
}

func (d *dictionary) word(n uint64) (string, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	w, ok := d.words[n]
	return w, ok
}

func (s *Store) wordsKey(shard int) string { return s.keys.leads(shard) + "words" }

// wordNumber gives the number of a word, adding it to the dictionary of a shard
// where it is new.
func (s *Store) wordNumber(ctx context.Context, shard int, word string) (uint64, error) {
	if n, ok := s.words[shard].number(word); ok {
		return n, nil
	}
	n, err := scripts.words.Run(ctx, s.db, []string{s.wordsKey(shard)}, word).Int64Slice()
	if err != nil {
		return 0, err
	}
	s.words[shard].add(word, uint64(n[0]))
	return uint64(n[0]), nil
}

// wordOf gives the word of a number, reading the dictionary where it is unknown.
func (s *Store) wordOf(ctx context.Context, shard int, n uint64) (string, error) {
	if w, ok := s.words[shard].word(n); ok {
		return w, nil
	}
	all, err := s.db.HGetAll(ctx, s.wordsKey(shard)).Result()
	if err != nil {
		return "", err
	}
	for word, number := range all {
		if k, err := strconv.ParseUint(number, 10, 64); err == nil {
			s.words[shard].add(word, k)
		}
	}
	if w, ok := s.words[shard].word(n); ok {
		return w, nil
	}
	return "", errRecord
}
