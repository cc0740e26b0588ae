package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/leadfile"
	"github.com/outpace-dialer/outpace/campaigns/sqlite"
	"github.com/outpace-dialer/outpace/config"
	"github.com/outpace-dialer/outpace/dialer/app"
	"github.com/outpace-dialer/outpace/dialer/explain"
)

func newLeadsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "leads", Short: "Lists in and out; why is this lead dialled or not"}
	cmd.AddCommand(newLeadsImport(), newLeadsExport(), newLeadsExplain())
	return cmd
}

// withStore opens the configured store for one command. Where a running product has it,
// the error names the route that does the same.
func withStore(ctx context.Context, path, route string, do func(app.Store) error) error {
	cfg, err := config.Load(path, os.Environ())
	if err != nil {
		return usageError{err}
	}
	store, err := app.OpenStore(ctx, cfg)
	if _, inUse := errors.AsType[*sqlite.InUseError](err); inUse {
		return fmt.Errorf("outpace serve is running on this store: use %s or stop it first (%w)", route, err)
	}
	if err != nil {
		return err
	}
	defer store.Close()
	return do(store)
}

// readingStore opens the configured store for a command that only asks, also while the
// product runs.
func readingStore(ctx context.Context, cfg config.Config, do func(app.Store) error) error {
	store, err := app.ReadStore(ctx, cfg)
	if err != nil {
		return err
	}
	defer store.Close()
	return do(store)
}

type importFlags struct {
	config, list, source, consent, region, encoding, delimiter, badRows string
	mapping                                                             []string
	json                                                                bool
}

func newLeadsImport() *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use: "import FILE --list ID", Short: "Read a CSV or XLSX file into a list", Args: cobra.ExactArgs(1),
		Long: `Read a CSV or XLSX file into a list.

Columns may stand in any order; delimiter and encoding are found, and the header
below a title, and in a workbook the first sheet that has one. Bad rows are
reported with line, column and reason and do not stop the others. Importing a
file twice changes nothing.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return withStore(cmd.Context(), f.config, "POST /api/v1/lists/ID/import", func(s app.Store) error {
				return importLeads(cmd, s, args[0], f)
			})
		},
	}
	configFlag(cmd, &f.config)
	cmd.Flags().StringVar(&f.list, "list", "", "list to read into; created where there is none (default: the file's name)")
	cmd.Flags().StringVar(&f.source, "source", "", "where the list comes from")
	cmd.Flags().StringVar(&f.consent, "consent", "", "on what basis these people may be called")
	cmd.Flags().StringVar(&f.region, "region", "", "country of numbers without a country code, such as PL")
	cmd.Flags().StringVar(&f.encoding, "encoding", "", "utf-8, utf-16le, utf-16be, windows-1250, gb18030 (default: found)")
	cmd.Flags().StringVar(&f.delimiter, "delimiter", "", `one of , ; | tab (default: found)`)
	cmd.Flags().StringArrayVar(&f.mapping, "map", nil, "COLUMN=FIELD, repeatable; FIELD - leaves a column out")
	cmd.Flags().StringVar(&f.badRows, "bad-rows", "", "file for the rows that were not taken, as CSV")
	cmd.Flags().BoolVar(&f.json, "json", false, "print the report as JSON")
	return cmd
}

func (f importFlags) options() (leadfile.Options, error) {
	o := leadfile.Options{DefaultRegion: f.region, Encoding: f.encoding, Mapping: map[string]string{}}
	switch f.delimiter {
	case "":
	case ",", ";", "|":
		o.Delimiter = rune(f.delimiter[0])
	case "tab", "\t":
		o.Delimiter = '\t'
	default:
		return o, usageError{fmt.Errorf("--delimiter: %q is none of , ; | tab", f.delimiter)}
	}
	for _, m := range f.mapping {
		column, field, ok := strings.Cut(m, "=")
		if !ok {
			return o, usageError{fmt.Errorf("--map: %q is not COLUMN=FIELD", m)}
		}
		o.Mapping[column] = field
	}
	return o, nil
}

// importReport is what import prints with --json.
type importReport struct {
	leadfile.Report
	List  campaigns.ListID    `json:"list"`
	Store campaigns.AddResult `json:"store"`
}

func importLeads(cmd *cobra.Command, s app.Store, path string, f importFlags) error {
	o, err := f.options()
	if err != nil {
		return err
	}
	list := campaigns.ListID(f.list)
	if list == "" {
		list = campaigns.ListID(listName(path))
	}
	if !campaigns.ValidID(string(list)) {
		return usageError{fmt.Errorf("--list: %q: letters a-z, digits and - only", list)}
	}
	known, err := s.Campaigns(cmd.Context())
	if err != nil {
		return err
	}
	o.List, o.Scores = list, campaigns.ScoreFields(known, list)
	file, err := os.Open(path)
	if err != nil {
		return usageError{err}
	}
	defer file.Close()
	if f.badRows != "" {
		bad, err := createBeside(file, f.badRows)
		if err != nil {
			return usageError{fmt.Errorf("--bad-rows: %w", err)}
		}
		defer bad.Close()
		o.BadRows = bad
	}
	made := campaigns.List{ID: list, Name: string(list), Source: f.source, ConsentBasis: f.consent, CreatedAt: time.Now()}
	report := importReport{List: list}
	in, done := progress(file)
	report.Report, err = leadfile.Read(cmd.Context(), in, path, o, func(batch []campaigns.Lead) error {
		if err := ensureList(cmd.Context(), s, made); err != nil { // a file that cannot be read leaves no list behind
			return err
		}
		added, err := s.AddLeads(cmd.Context(), list, batch)
		report.Store.Added += added.Added
		report.Store.Updated += added.Updated
		report.Store.Same += added.Same
		return err
	})
	done()
	if err != nil {
		return report.cutShort(err)
	}
	if err := report.print(cmd.OutOrStdout(), f.json); err != nil {
		return err
	}
	if report.Good == 0 && report.BadRows > 0 {
		return errors.New("no row of the file could be read: nothing was imported")
	}
	return nil
}

// createBeside makes a file for what is found in another one, which it must not be.
func createBeside(read *os.File, path string) (*os.File, error) {
	of, err := read.Stat()
	if err != nil {
		return nil, err
	}
	if there, err := os.Stat(path); err == nil && os.SameFile(of, there) {
		return nil, fmt.Errorf("%s is the file that is read", path)
	}
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) // people's data: for who asked alone
}

// cutShort is why a file was not read to its end, with what was written of it.
func (r importReport) cutShort(err error) error {
	if done := r.Store.Added + r.Store.Updated; done > 0 {
		return fmt.Errorf("%w; %d leads of list %s are written: import the file again, they are not doubled", err, done, r.List)
	}
	return err
}

func listName(path string) string {
	name := strings.ToLower(strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)))
	return strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, name), "-")
}

func ensureList(ctx context.Context, s app.Store, l campaigns.List) error {
	lists, err := s.Lists(ctx)
	if err != nil {
		return err
	}
	for _, known := range lists {
		if known.ID == l.ID {
			return nil
		}
	}
	return s.SaveList(ctx, l)
}

// progress shows how much of a file is read, where standard error is a
// terminal.
func progress(file *os.File) (io.Reader, func()) {
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		return file, func() {}
	}
	size := int64(-1)
	if info, err := file.Stat(); err == nil {
		size = info.Size()
	}
	bar := progressbar.NewOptions64(size, progressbar.OptionSetWriter(os.Stderr), progressbar.OptionShowBytes(true), progressbar.OptionSetDescription("importing"))
	reader := progressbar.NewReader(file, bar)
	return &reader, func() { _ = bar.Finish(); fmt.Fprintln(os.Stderr) }
}

func (r importReport) print(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(r)
	}
	from := r.Encoding
	if r.Sheet != "" {
		from += ", sheet " + r.Sheet
	}
	if r.HeaderLine > 1 {
		from += fmt.Sprintf(", header in line %d", r.HeaderLine)
	}
	fmt.Fprintf(w, "list %s: %d rows (%s), %d good, %d duplicates in the file, %d bad, %d cells left out\n",
		r.List, r.Rows, from, r.Good, r.Duplicates, r.BadRows, r.Warnings)
	fmt.Fprintf(w, "leads: %d added, %d updated, %d unchanged\n", r.Store.Added, r.Store.Updated, r.Store.Same)
	const shown = 20
	for i, b := range r.Bad {
		if i == shown {
			fmt.Fprintf(w, "... and %d more; --bad-rows FILE keeps all\n", r.BadRows+r.Warnings-shown)
			break
		}
		fmt.Fprintf(w, "line %d, column %s: %s (%q)\n", b.Line, b.Column, b.Reason, b.Value)
	}
	return nil
}

func newLeadsExport() *cobra.Command {
	var path, list string
	cmd := &cobra.Command{
		Use: "export [--list ID]", Short: "Write leads as CSV to standard output", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withStore(cmd.Context(), path, "GET /api/v1/leads/export", func(s app.Store) error {
				if err := thereIs(cmd.Context(), s, campaigns.ListID(list)); err != nil {
					return err
				}
				if err := auditExport(cmd.Context(), s, list); err != nil {
					return err
				}
				return exportLeads(cmd.Context(), cmd.OutOrStdout(), s, campaigns.ListID(list))
			})
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().StringVar(&list, "list", "", "only this list")
	return cmd
}

// thereIs says whether there is a list; empty: all of them are meant. An empty file would
// look as if the list had no leads.
func thereIs(ctx context.Context, s app.Store, id campaigns.ListID) error {
	lists, err := s.Lists(ctx)
	if err != nil || id == "" || slices.ContainsFunc(lists, func(l campaigns.List) bool { return l.ID == id }) {
		return err
	}
	return fmt.Errorf("there is no list %q", id)
}

// exportLeads reads the leads twice: once for the columns, once to write.
func exportLeads(ctx context.Context, out io.Writer, s app.Store, list campaigns.ListID) error {
	var shape leadfile.Shape
	if err := eachPage(ctx, s, list, func(page []campaigns.Lead) error { shape.Add(page...); return nil }); err != nil {
		return err
	}
	w := leadfile.NewWriter(out, shape)
	if err := eachPage(ctx, s, list, func(page []campaigns.Lead) error { return w.Write(page...) }); err != nil {
		return err
	}
	return w.Close()
}

// eachPage gives the leads of a list, or of all, page by page.
func eachPage(ctx context.Context, s app.Store, list campaigns.ListID, use func([]campaigns.Lead) error) error {
	q := campaigns.LeadQuery{List: list, Limit: 5000}
	for {
		page, err := s.FindLeads(ctx, q)
		if err != nil || len(page) == 0 {
			return err
		}
		if err := use(page); err != nil {
			return err
		}
		q.After = page[len(page)-1].ID
	}
}

// auditExport keeps that leads left the product, and on whose machine.
func auditExport(ctx context.Context, records campaigns.Records, list string) error {
	return records.Audit(ctx, campaigns.AuditEntry{At: time.Now(), By: "command-line", From: "local", Action: "leads.export", Object: list})
}

func newLeadsExplain() *cobra.Command {
	var path string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "explain NUMBER", Short: "Say why a number is dialled or not, gate by gate, and when next", Args: cobra.ExactArgs(1),
		Long: `Say why a number is dialled or not, gate by gate, and when next.

It is asked of the store, also while outpace serve runs on it. GET /api/v1/explain
gives the same.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := config.Load(path, os.Environ())
			if err != nil {
				return usageError{err}
			}
			return readingStore(cmd.Context(), cfg, func(s app.Store) error {
				x, err := explain.New(s)
				if err != nil {
					return err
				}
				all, err := x.Explain(cmd.Context(), args[0], time.Now())
				if err != nil {
					return err
				}
				if asJSON {
					return json.NewEncoder(cmd.OutOrStdout()).Encode(all)
				}
				explain.PrintExplanations(cmd.OutOrStdout(), all)
				return nil
			})
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	return cmd
}
