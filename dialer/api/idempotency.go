package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
)

const (
	// answersKept is how long a repeated request gets the first answer.
	answersKept = 24 * time.Hour
	// underWay is how long a request whose node died counts as being carried out.
	underWay = 10 * time.Minute
	// mostRepeated bounds the body of a request with a key, in bytes: it is read whole.
	mostRepeated = 8 << 20
	longestKey   = 255
)

// idempotencyKey is the header of draft-ietf-httpapi-idempotency-key-header-07.
const idempotencyKey = "Idempotency-Key"

// Extensions of operations.
const unkept = "unkept" // the answer is a secret, or the body is read piece by piece: a key counts for nothing

// repeatable lets a POST be sent again with the same key: it has its effect once, on all
// nodes of the store, and the same answer.
func (s *Server) repeatable(api huma.API, op *huma.Operation) {
	if op.Method != http.MethodPost || op.Metadata[unkept] != nil {
		return
	}
	longest := longestKey
	op.Parameters = append(op.Parameters, &huma.Param{
		Name: idempotencyKey, In: "header", Schema: &huma.Schema{Type: huma.TypeString, MaxLength: &longest},
		Description: "Of your choice, new for each request: sent again within 24 h with the same body, the request has no second effect and gets the first answer (Idempotency-Replayed: true). " +
			"422 with another body, 409 while the first is under way. A request that was refused had no effect, and may be sent again changed.",
	})
	op.Middlewares = append(op.Middlewares, func(ctx huma.Context, next func(huma.Context)) {
		key := ctx.Header(idempotencyKey)
		if key == "" {
			next(ctx)
			return
		}
		if err := s.once(ctx, key, next); err != nil {
			problem := s.problem(op.OperationID, err)
			var p *Problem
			if !errors.As(problem, &p) {
				p = coded(http.StatusInternalServerError, "internal", "internal error")
			}
			_ = writeProblem(ctx, p) // else the reader has gone
		}
	})
}

// once carries a request out, or answers what was answered before.
func (s *Server) once(ctx huma.Context, key string, next func(huma.Context)) error {
	by, _ := ctx.Context().Value(callerKey{}).(caller)
	if len(key) > longestKey {
		return coded(http.StatusBadRequest, "bad_key", fmt.Sprintf("%s has more than %d characters", idempotencyKey, longestKey))
	}
	content, err := io.ReadAll(io.LimitReader(ctx.BodyReader(), mostRepeated+1))
	if err != nil || len(content) > mostRepeated {
		return coded(http.StatusRequestEntityTooLarge, "too_large", fmt.Sprintf("a request with %s has at most %d MiB", idempotencyKey, mostRepeated>>20))
	}
	url, now := ctx.URL(), time.Now()
	asked := campaigns.Answer{
		Key: digest("key", string(by.ID), key), Request: digest(ctx.Method(), url.Path, url.RawQuery, string(content)),
		ExpiresAt: now.Add(underWay),
	}
	kept, begun, err := s.records.BeginAnswer(ctx.Context(), asked, now)
	switch {
	case err != nil:
		return err
	case begun:
	case kept.Request != asked.Request:
		return coded(http.StatusUnprocessableEntity, "key_reused", "this key was used for another request")
	case kept.Status == 0:
		return coded(http.StatusConflict, "under_way", "the request with this key is being carried out")
	default:
		return replay(ctx, kept)
	}
	out := &keptContext{humaContext: ctx, content: bytes.NewReader(content)}
	next(out)
	s.keep(ctx.Context(), asked, out)
	return nil
}

// keep keeps the answer of a request that was carried out, and forgets one that was not.
// The reader may have gone meanwhile.
func (s *Server) keep(ctx context.Context, asked campaigns.Answer, out *keptContext) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answersWithin)
	defer cancel()
	var err error
	if status := out.Status(); status >= 200 && status < 300 {
		asked.Status, asked.Header, asked.Body = status, out.header, out.body.Bytes()
		asked.ExpiresAt = time.Now().Add(answersKept)
		err = s.records.FinishAnswer(ctx, asked)
	} else {
		err = s.records.DropAnswer(ctx, asked.Key)
	}
	if err != nil {
		s.log.Warn("the answer to a request is not kept: sent again, it gets 409 for some minutes", zap.Error(err))
	}
}

func replay(ctx huma.Context, kept campaigns.Answer) error {
	for name, value := range kept.Header {
		ctx.SetHeader(name, value)
	}
	ctx.SetHeader("Idempotency-Replayed", "true")
	ctx.SetStatus(kept.Status)
	_, _ = ctx.BodyWriter().Write(kept.Body) // else the reader has gone
	return nil
}

// digest is the SHA-256 of words, hex: no two lists of words have the same.
func digest(words ...string) string {
	h := sha256.New()
	for _, w := range words {
		fmt.Fprintf(h, "%d:%s", len(w), w)
	}
	return hex.EncodeToString(h.Sum(nil))
}

type humaContext huma.Context

// keptContext writes an answer, and keeps what it wrote.
type keptContext struct {
	humaContext
	content io.Reader
	header  map[string]string
	body    bytes.Buffer
}

// keptHeaders are those of an answer that a replay has too.
var keptHeaders = []string{"Content-Type", "ETag", "Location"}

func (c *keptContext) BodyReader() io.Reader { return c.content }

func (c *keptContext) BodyWriter() io.Writer {
	return io.MultiWriter(c.humaContext.BodyWriter(), &c.body)
}

func (c *keptContext) SetHeader(name, value string) {
	if slices.Contains(keptHeaders, name) {
		if c.header == nil {
			c.header = map[string]string{}
		}
		c.header[name] = value
	}
	c.humaContext.SetHeader(name, value)
}

// Unwrap is the context inside; see huma.
func (c *keptContext) Unwrap() huma.Context { return c.humaContext }
