package sqlite

import (
	"context"
	"encoding/json"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

const answerColumns = `key, request, status, header, body, expires_at`

func scanAnswer(r scanner) (campaigns.Answer, error) {
	var a campaigns.Answer
	var header string
	var expires int64
	if err := r.Scan(&a.Key, &a.Request, &a.Status, &header, &a.Body, &expires); err != nil {
		return a, err
	}
	a.ExpiresAt = moment(expires)
	return a, json.Unmarshal([]byte(header), &a.Header)
}

// BeginAnswer notes that a request is under way; see campaigns.Answers. What has
// expired is thrown away.
func (s *Store) BeginAnswer(ctx context.Context, a campaigns.Answer, now time.Time) (kept campaigns.Answer, begun bool, err error) {
	err = s.write(ctx, "begin_answer", func(w *writer) error {
		if _, err := w.exec(`DELETE FROM answer WHERE expires_at <= ?`, stamp(now)); err != nil {
			return err
		}
		known, err := list(w.statements, scanAnswer, `SELECT `+answerColumns+` FROM answer WHERE key = ?`, a.Key)
		if err != nil {
			return err
		}
		if begun = len(known) == 0; !begun {
			kept = known[0]
			return nil
		}
		return w.putAnswer(a)
	})
	return kept, begun, err
}

// FinishAnswer keeps an answer.
func (s *Store) FinishAnswer(ctx context.Context, a campaigns.Answer) error {
	return s.write(ctx, "finish_answer", func(w *writer) error { return w.putAnswer(a) })
}

func (w *writer) putAnswer(a campaigns.Answer) error {
	header, err := json.Marshal(a.Header)
	if err != nil {
		return err
	}
	body := a.Body
	if body == nil {
		body = []byte{}
	}
	_, err = w.exec(`INSERT OR REPLACE INTO answer (`+answerColumns+`) VALUES (?, ?, ?, ?, ?, ?)`,
		a.Key, a.Request, a.Status, string(header), body, stamp(a.ExpiresAt))
	return err
}

// DropAnswer forgets a request; one that is not there is no error.
func (s *Store) DropAnswer(ctx context.Context, key string) error {
	return s.write(ctx, "drop_answer", func(w *writer) error {
		_, err := w.exec(`DELETE FROM answer WHERE key = ?`, key)
		return err
	})
}
