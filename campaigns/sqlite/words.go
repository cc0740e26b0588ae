package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"sync"
)

// words are what many rows share, by number: lists, campaigns, kinds, window classes,
// grades. A word is never removed and never gets another number, so they are read
// once. The empty word is 0 and stands in no table.
type words struct {
	mu      sync.RWMutex
	numbers map[string]int64
	texts   map[int64]string
}

func newWords() *words { return &words{numbers: map[string]int64{}, texts: map[int64]string{}} }

func (w *words) add(word string, n int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.numbers[word], w.texts[n] = n, word
}

func (w *words) number(word string) (int64, bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	n, ok := w.numbers[word]
	return n, ok
}

func (w *words) text(n int64) (string, bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	word, ok := w.texts[n]
	return word, ok
}

// wordOf is the word with a number.
func (s *statements) wordOf(n int64) (string, error) {
	if n == 0 {
		return "", nil
	}
	if word, ok := s.words.text(n); ok {
		return word, nil
	}
	var word string
	if err := s.get(`SELECT word FROM word WHERE id = ?`, args(n), &word); err != nil {
		return "", fmt.Errorf("read word %d: %w", n, err)
	}
	s.words.add(word, n)
	return word, nil
}

// unknownWord is the number of a word that stands nowhere.
const unknownWord = -1

// numberOf is the number of a word; unknownWord where no row has it.
func (s *statements) numberOf(word string) (int64, error) {
	if word == "" {
		return 0, nil
	}
	if n, ok := s.words.number(word); ok {
		return n, nil
	}
	var n int64
	err := s.get(`SELECT id FROM word WHERE word = ?`, args(word), &n)
	if errors.Is(err, sql.ErrNoRows) {
		return unknownWord, nil
	}
	if err != nil {
		return 0, fmt.Errorf("look up word %q: %w", word, err)
	}
	s.words.add(word, n)
	return n, nil
}

// number is the number of a word, which is added where it is new.
func (w *writer) number(word string) (int64, error) {
	n, err := w.numberOf(word)
	if err != nil || n != unknownWord {
		return n, err
	}
	if err := w.get(`INSERT INTO word (word) VALUES (?) RETURNING id`, args(word), &n); err != nil {
		return 0, fmt.Errorf("add word %q: %w", word, err)
	}
	w.words.add(word, n)
	return n, nil
}

// numbersOf are the numbers of several words, which are added where they are new.
func (w *writer) numbersOf(all ...string) ([]int64, error) {
	numbers := make([]int64, len(all))
	for i, word := range all {
		n, err := w.number(word)
		if err != nil {
			return nil, err
		}
		numbers[i] = n
	}
	return numbers, nil
}
