package redis

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/outpace-dialer/outpace/campaigns"
)

// chunkName is the name of a chunk among those of its campaign: run, number, first
// and last line, lines, node. Names sort by run.
func chunkName(c campaigns.PacingChunk) string {
	name := sortable(c.Run) + string(binary.BigEndian.AppendUint32(nil, uint32(c.Seq))) + sortable(c.From) + sortable(c.To)
	return name + string(binary.BigEndian.AppendUint32(nil, uint32(c.Lines))) + c.Node
}

func parseChunk(of campaigns.CampaignID, name string) (campaigns.PacingChunk, error) {
	if len(name) < 32 {
		return campaigns.PacingChunk{}, fmt.Errorf("pacing log of %s: a chunk has a name of %d bytes", of, len(name))
	}
	number := func(at int) int { return int(binary.BigEndian.Uint32([]byte(name[at : at+4]))) }
	return campaigns.PacingChunk{
		Campaign: of, Run: fromSortable(name[:8]), Seq: number(8), From: fromSortable(name[12:20]), To: fromSortable(name[20:28]),
		Lines: number(28), Node: name[32:],
	}, nil
}

// AppendPacingLog adds a chunk; see campaigns.PacingRecords. That there is a log
// is noted first: one that is empty harms nobody.
func (s *Store) AppendPacingLog(ctx context.Context, c campaigns.PacingChunk) error {
	return s.do(ctx, "append_pacing_log", func(ctx context.Context) error {
		if err := s.db.SAdd(ctx, s.keys.general()+"pacing_logs", string(c.Campaign)).Err(); err != nil {
			return err
		}
		fresh, err := s.db.HSetNX(ctx, s.keys.pacing(c.Campaign), chunkName(c), c.Gzip).Result()
		if err == nil && !fresh {
			err = fmt.Errorf("chunk %d of the run of %s is there: %w", c.Seq, c.Campaign, campaigns.ErrConflict)
		}
		return err
	})
}

// PacingLog reads one chunk after another; see campaigns.PacingRecords.
func (s *Store) PacingLog(ctx context.Context, c campaigns.CampaignID, from, to time.Time) iter.Seq2[campaigns.PacingChunk, error] {
	return func(yield func(campaigns.PacingChunk, error) bool) {
		chunks, err := s.pacingChunks(ctx, c)
		if err != nil {
			yield(campaigns.PacingChunk{}, err)
			return
		}
		for _, chunk := range chunksBetween(chunks, from, to) {
			err := s.do(ctx, "pacing_log", func(ctx context.Context) error {
				var err error
				chunk.Gzip, err = s.db.HGet(ctx, s.keys.pacing(c), chunkName(chunk)).Bytes()
				return err
			})
			if errors.Is(err, goredis.Nil) {
				continue // pruned meanwhile
			}
			if !yield(chunk, err) || err != nil {
				return
			}
		}
	}
}

// pacingChunks are the chunks of a campaign without their lines, run after run.
func (s *Store) pacingChunks(ctx context.Context, c campaigns.CampaignID) ([]campaigns.PacingChunk, error) {
	var chunks []campaigns.PacingChunk
	err := s.do(ctx, "pacing_runs", func(ctx context.Context) error {
		names, err := s.db.HKeys(ctx, s.keys.pacing(c)).Result()
		for _, name := range names {
			chunk, err := parseChunk(c, name)
			if err != nil {
				return err
			}
			chunks = append(chunks, chunk)
		}
		return err
	})
	slices.SortFunc(chunks, func(a, b campaigns.PacingChunk) int {
		if order := a.Run.Compare(b.Run); order != 0 {
			return order
		}
		if a.Node != b.Node {
			return strings.Compare(a.Node, b.Node)
		}
		return a.Seq - b.Seq
	})
	return chunks, err
}

// chunksBetween keeps the runs that have lines between two times, each from its
// first chunk on.
func chunksBetween(chunks []campaigns.PacingChunk, from, to time.Time) []campaigns.PacingChunk {
	before := func(c campaigns.PacingChunk) bool { return to.IsZero() || c.From.Before(to) }
	type run struct {
		began time.Time
		node  string
	}
	wanted := map[run]bool{}
	for _, c := range chunks {
		if before(c) && !c.To.Before(from) {
			wanted[run{c.Run, c.Node}] = true
		}
	}
	return slices.DeleteFunc(chunks, func(c campaigns.PacingChunk) bool { return !before(c) || !wanted[run{c.Run, c.Node}] })
}

// PrunePacingLog deletes old chunks; see campaigns.PacingRecords.
func (s *Store) PrunePacingLog(ctx context.Context, before time.Time) (int, error) {
	var logs []string
	err := s.do(ctx, "prune_pacing_log", func(ctx context.Context) error {
		var err error
		logs, err = s.db.SMembers(ctx, s.keys.general()+"pacing_logs").Result()
		return err
	})
	pruned := 0
	for _, log := range logs {
		n, pruneErr := s.prunePacing(ctx, campaigns.CampaignID(log), before)
		pruned += n
		err = errors.Join(err, pruneErr)
	}
	return pruned, err
}

func (s *Store) prunePacing(ctx context.Context, c campaigns.CampaignID, before time.Time) (int, error) {
	chunks, err := s.pacingChunks(ctx, c)
	var names []string
	for _, chunk := range chunks {
		if chunk.To.Before(before) {
			names = append(names, chunkName(chunk))
		}
	}
	pruned := 0
	for some := range slices.Chunk(names, chunk) {
		deleteErr := s.do(ctx, "prune_pacing_log", func(ctx context.Context) error {
			n, err := s.db.HDel(ctx, s.keys.pacing(c), some...).Result()
			pruned += int(n)
			return err
		})
		err = errors.Join(err, deleteErr)
	}
	return pruned, err
}

// SaveLearnt keeps what pacing learnt; see campaigns.PacingRecords.
func (s *Store) SaveLearnt(ctx context.Context, c campaigns.CampaignID, learnt []byte) error {
	return s.do(ctx, "save_learnt", func(ctx context.Context) error {
		return s.db.HSet(ctx, s.keys.general()+"learnt", string(c), learnt).Err()
	})
}

// Learnt is what SaveLearnt kept; see campaigns.PacingRecords.
func (s *Store) Learnt(ctx context.Context, c campaigns.CampaignID) ([]byte, error) {
	var learnt []byte
	err := s.do(ctx, "learnt", func(ctx context.Context) error {
		var err error
		learnt, err = s.db.HGet(ctx, s.keys.general()+"learnt", string(c)).Bytes()
		if errors.Is(err, goredis.Nil) {
			learnt, err = nil, nil
		}
		return err
	})
	return learnt, err
}
