package api

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/sync/errgroup"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/leadfile"
)

type suppressFileIn struct {
	Reason    string   `query:"reason" minLength:"1" maxLength:"500" required:"true" doc:"why these people are not called, such as the register that they are in"`
	Region    string   `query:"region" pattern:"^[A-Za-z]{2}$" doc:"country of numbers without a country code, such as PL"`
	Encoding  string   `query:"encoding" enum:"utf-8,utf-16le,utf-16be,windows-1250,gb18030" doc:"left out: found"`
	Delimiter string   `query:"delimiter" maxLength:"3" doc:"one of , ; | tab; left out: found"`
	Map       []string `query:"map,explode" doc:"COLUMN=FIELD; FIELD - leaves a column out"`
	DryRun    bool     `query:"dry_run" doc:"read and report, write nothing"`
	file      io.Reader
}

// Resolve keeps the body: it is read row by row, never held whole.
func (in *suppressFileIn) Resolve(ctx huma.Context) []error {
	if length, _ := strconv.ParseInt(ctx.Header("Content-Length"), 10, 64); length > maxBody {
		return []error{tooLongFile("")}
	}
	in.file = ctx.BodyReader()
	_ = ctx.SetReadDeadline(time.Now().Add(importTime)) // not every server can
	return nil
}

// SuppressReport is what came of a file of numbers that nobody may call.
type SuppressReport struct {
	leadfile.Report
	Numbers int64 `json:"numbers" doc:"that are on the do-not-call list now because of it; those of one row are several"`
	DryRun  bool  `json:"dry_run"`
}

// suppressAtOnce is how many numbers are written side by side: a store writes those that
// come together in one go.
const suppressAtOnce = 64

// suppressFile puts all numbers of a file on the do-not-call list. A row whose number
// cannot be read is reported: nobody is called by it, but perhaps by what was meant.
func (s *Server) suppressFile(ctx context.Context, by caller, in *suppressFileIn) (*body[SuppressReport], error) {
	options, err := (&importIn{Region: in.Region, Encoding: in.Encoding, Delimiter: in.Delimiter, Map: in.Map}).options()
	if err != nil {
		return nil, huma.Error422UnprocessableEntity(err.Error())
	}
	options.KeepRepeats = true // the row may have another number besides
	report := SuppressReport{DryRun: in.DryRun}
	var numbers atomic.Int64
	var failed error // of the store, not of the file
	report.Report, err = leadfile.Read(ctx, in.file, "", options, func(batch []campaigns.Lead) error {
		failed = s.suppressAll(ctx, by, batch, in, &numbers)
		return failed
	})
	report.Numbers = numbers.Load()
	if err != nil && failed == nil && ctx.Err() == nil {
		err = huma.Error422UnprocessableEntity(fmt.Sprintf("%s; %d numbers of it are on the list", strings.TrimPrefix(err.Error(), "leadfile: "), report.Numbers), rowDetails(report.Bad)...)
	}
	if err == nil && report.Good == 0 && report.BadRows > 0 {
		err = huma.Error422UnprocessableEntity("no row of the file could be read", rowDetails(report.Bad)...)
	}
	if report.Numbers > 0 && !in.DryRun { // also of a file that ends in the middle
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), answersWithin)
		defer cancel()
		told := map[string]any{"reason": in.Reason, "rows": report.Rows, "bad": report.BadRows, "numbers": report.Numbers}
		if errAudit := s.audit(late, by, "do-not-call.import", "", nil, told); err == nil {
			err = errAudit
		}
	}
	if err != nil {
		return nil, err
	}
	if !by.May(campaigns.RightNumbers) {
		for i := range report.Bad {
			report.Bad[i].Value = ""
		}
	}
	return answer(report, nil)
}

// suppressAll writes the numbers of a batch, and counts them.
func (s *Server) suppressAll(ctx context.Context, by caller, batch []campaigns.Lead, in *suppressFileIn, count *atomic.Int64) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(suppressAtOnce)
	for _, lead := range batch {
		for _, n := range lead.Numbers {
			group.Go(func() error {
				if !in.DryRun {
					err := s.records.Suppress(ctx, campaigns.Suppression{E164: n.E164, Reason: in.Reason, Source: "import", By: by.ID, At: time.Now()})
					if err != nil {
						return err
					}
				}
				count.Add(1)
				return nil
			})
		}
	}
	return group.Wait()
}
