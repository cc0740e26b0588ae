package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/leadfile"
)

// importTime is how long an upload may take.
const importTime = 10 * time.Minute

type importIn struct {
	ID        campaigns.ListID `path:"id" maxLength:"64"`
	Name      string           `query:"name" maxLength:"200" doc:"of a new list; empty: its id"`
	Source    string           `query:"source" maxLength:"500" doc:"where a new list comes from"`
	Consent   string           `query:"consent" maxLength:"500" doc:"on what basis the people of a new list may be called"`
	Region    string           `query:"region" pattern:"^[A-Za-z]{2}$" doc:"country of numbers without a country code, such as PL"`
	Encoding  string           `query:"encoding" enum:"utf-8,utf-16le,utf-16be,windows-1250,gb18030" doc:"left out: found"`
	Delimiter string           `query:"delimiter" maxLength:"3" doc:"one of , ; | tab; left out: found"`
	Map       []string         `query:"map,explode" doc:"COLUMN=FIELD; FIELD - leaves a column out"`
	DryRun    bool             `query:"dry_run" doc:"read and report, write nothing"`
	file      io.Reader
}

// Resolve keeps the body: it is read row by row, never held whole.
func (in *importIn) Resolve(ctx huma.Context) []error {
	if length, _ := strconv.ParseInt(ctx.Header("Content-Length"), 10, 64); length > maxBody { // before any of it is written
		return []error{tooLongFile("")}
	}
	in.file = ctx.BodyReader()
	_ = ctx.SetReadDeadline(time.Now().Add(importTime)) // not every server can
	return nil
}

// ImportReport is what came of a file, and what the store did with its leads.
type ImportReport struct {
	leadfile.Report
	List   campaigns.ListID    `json:"list"`
	Store  campaigns.AddResult `json:"store"`
	DryRun bool                `json:"dry_run"`
}

// routeImport adds the way in for lists while the product has the store.
func (s *Server) routeImport(api huma.API) {
	binary := map[string]*huma.MediaType{"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}
	register(s, api, campaigns.RightLeadsWrite, huma.Operation{
		OperationID: "import", Method: http.MethodPost, Path: "/api/v1/lists/{id}/import", Tags: []string{"leads"},
		Summary:     "Read a CSV or XLSX file into a list, which is made where there is none",
		Description: "Bad rows are reported and do not stop the others. Importing a file twice changes nothing.",
		Metadata:    map[string]any{unkept: true},
		RequestBody: &huma.RequestBody{Required: true, Content: binary},
	}, s.importLeads)
}

func (s *Server) importLeads(ctx context.Context, by caller, in *importIn) (*body[ImportReport], error) {
	if !campaigns.ValidID(string(in.ID)) {
		return nil, huma.Error422UnprocessableEntity("id: letters a-z, digits and - only")
	}
	if err := s.mayFill(ctx, by, in.ID); err != nil {
		return nil, err
	}
	options, err := in.options()
	if err != nil {
		return nil, huma.Error422UnprocessableEntity(err.Error())
	}
	known, err := s.records.Campaigns(ctx)
	if err != nil {
		return nil, err
	}
	options.Scores = campaigns.ScoreFields(known, in.ID)
	report := ImportReport{List: in.ID, DryRun: in.DryRun}
	sink := leadSink{records: s.records, list: campaigns.List{
		ID: in.ID, Name: in.Name, Source: in.Source, ConsentBasis: in.Consent, CreatedAt: time.Now(),
	}, dry: in.DryRun, added: &report.Store}
	report.Report, err = leadfile.Read(ctx, in.file, "", options, func(batch []campaigns.Lead) error { return sink.add(ctx, batch) })
	if err != nil && sink.err == nil && ctx.Err() == nil {
		err = badFile(err, report)
	}
	if err == nil && report.Good == 0 && report.BadRows > 0 {
		err = huma.Error422UnprocessableEntity("no row of the file could be read", rowDetails(report.Bad)...)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answersWithin) // who sent it may have gone: what is in is told all the same
	defer cancel()
	if sink.fresh {
		err = errors.Join(err, s.audit(ctx, by, listMade, string(in.ID), nil, sink.list))
	}
	if err != nil && report.Store == (campaigns.AddResult{}) {
		return nil, err // nothing is written, nothing is to be audited
	}
	if !in.DryRun {
		err = errors.Join(err, s.audit(ctx, by, "leads.import", string(in.ID), nil, tallyOf(report)), s.tellImport(ctx, by, report))
	}
	if !by.May(campaigns.RightNumbers) {
		for i := range report.Bad { // the line is enough for who has the file
			report.Bad[i].Value = ""
		}
	}
	return answer(report, err)
}

func (in *importIn) options() (leadfile.Options, error) {
	o := leadfile.Options{List: in.ID, DefaultRegion: strings.ToUpper(in.Region), Encoding: in.Encoding, Mapping: map[string]string{}}
	switch in.Delimiter {
	case "":
	case ",", ";", "|":
		o.Delimiter = rune(in.Delimiter[0])
	case "tab":
		o.Delimiter = '\t'
	default:
		return o, fmt.Errorf("delimiter: %q is none of , ; | tab", in.Delimiter)
	}
	for _, m := range in.Map {
		column, field, ok := strings.Cut(m, "=")
		if !ok {
			return o, fmt.Errorf("map: %q is not COLUMN=FIELD", m)
		}
		o.Mapping[column] = field
	}
	return o, nil
}

// leadSink writes batches into a list, which it makes before the first one: a
// file that cannot be read leaves no list behind.
type leadSink struct {
	records campaigns.Records
	list    campaigns.List
	dry     bool
	made    bool
	fresh   bool // it was made here
	added   *campaigns.AddResult
	err     error // of the store, not of the file
}

func (k *leadSink) add(ctx context.Context, batch []campaigns.Lead) error {
	if k.dry {
		return nil
	}
	if k.err = k.ensure(ctx); k.err != nil {
		return k.err
	}
	var added campaigns.AddResult
	added, k.err = k.records.AddLeads(ctx, k.list.ID, batch)
	k.added.Added += added.Added
	k.added.Updated += added.Updated
	k.added.Same += added.Same
	return k.err
}

// ensure makes the list where there is none; one that is there stays as it is.
func (k *leadSink) ensure(ctx context.Context) error {
	if k.made {
		return nil
	}
	lists, err := k.records.Lists(ctx)
	if err != nil {
		return err
	}
	k.made = true
	for _, known := range lists {
		if known.ID == k.list.ID {
			return nil
		}
	}
	if k.list.Name == "" {
		k.list.Name = string(k.list.ID)
	}
	err = k.records.SaveList(ctx, k.list)
	k.fresh = err == nil
	return err
}

// badFile says what is wrong with a file that could not be read to its end, how much of it
// is written, and which rows up to there are not.
func badFile(err error, report ImportReport) error {
	written := "; nothing of it is written"
	if n := report.Store.Added + report.Store.Updated; n > 0 {
		written = fmt.Sprintf("; %d leads of it are written, and not doubled when they come again", n)
	}
	if report.Rows > 0 {
		written += fmt.Sprintf("; it was read for %d rows, of which %d are bad", report.Rows, report.BadRows)
	}
	bad := rowDetails(report.Bad)
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		return tooLongFile(written, bad...)
	}
	return huma.Error422UnprocessableEntity(strings.TrimPrefix(err.Error(), "leadfile: ")+written, bad...)
}

func tooLongFile(written string, bad ...error) error {
	return huma.NewError(http.StatusRequestEntityTooLarge, fmt.Sprintf("the file is longer than %d MiB: split it", maxBody>>20)+written, bad...)
}

// shownRows is how many bad rows an error names.
const shownRows = 20

func rowDetails(bad []leadfile.BadRow) []error {
	var all []error
	for _, b := range bad[:min(len(bad), shownRows)] {
		all = append(all, &huma.ErrorDetail{Location: fmt.Sprintf("line %d, column %s", b.Line, b.Column), Message: b.Reason})
	}
	return all
}

// tallyOf is what the audit log keeps of an import.
func tallyOf(r ImportReport) any {
	return struct {
		Rows  int                 `json:"rows"`
		Good  int                 `json:"good"`
		Bad   int                 `json:"bad"`
		Store campaigns.AddResult `json:"store"`
	}{r.Rows, r.Good, r.BadRows, r.Store}
}
