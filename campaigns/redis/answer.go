package redis

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/outpace-dialer/outpace/campaigns"
)

// answer is the key of what is kept of a request: each in a slot of its own.
func (k keys) answer(key string) string { return "{" + k.space + ":a:" + key + "}" }

// BeginAnswer notes that a request is under way; see campaigns.Answers. Redis throws
// away what has expired.
func (s *Store) BeginAnswer(ctx context.Context, a campaigns.Answer, now time.Time) (kept campaigns.Answer, begun bool, err error) {
	body, err := json.Marshal(a)
	if err != nil {
		return kept, false, err
	}
	key := s.keys.answer(a.Key)
	err = s.do(ctx, "begin_answer", func(ctx context.Context) error {
		for {
			begun, err = s.db.SetNX(ctx, key, body, a.ExpiresAt.Sub(now)).Result()
			if begun || err != nil {
				return err
			}
			known, err := s.db.Get(ctx, key).Bytes()
			if errors.Is(err, goredis.Nil) { // it has expired meanwhile
				continue
			}
			if err != nil {
				return err
			}
			return json.Unmarshal(known, &kept)
		}
	})
	return kept, begun, err
}

// FinishAnswer keeps an answer.
func (s *Store) FinishAnswer(ctx context.Context, a campaigns.Answer) error {
	body, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return s.do(ctx, "finish_answer", func(ctx context.Context) error {
		return s.db.SetArgs(ctx, s.keys.answer(a.Key), body, goredis.SetArgs{ExpireAt: a.ExpiresAt}).Err()
	})
}

// DropAnswer forgets a request; one that is not there is no error.
func (s *Store) DropAnswer(ctx context.Context, key string) error {
	return s.do(ctx, "drop_answer", func(ctx context.Context) error {
		return s.db.Del(ctx, s.keys.answer(key)).Err()
	})
}
