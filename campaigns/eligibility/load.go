package eligibility

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/outpace-dialer/outpace/campaigns"
	"go.yaml.in/yaml/v4"
)

// file is a rule pack file.
type file struct {
	Version string   `yaml:"version"`
	Regions []Region `yaml:"regions"`
}

// Load reads every *.yaml at the root of fsys. Errors name file, line and key.
// A region may stand in several entries whose validity does not overlap.
func Load(fsys fs.FS) (*Rules, error) {
	names, err := fs.Glob(fsys, "*.yaml")
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, errors.New("rule packs: no *.yaml file")
	}
	slices.Sort(names)
	r := &Rules{regions: map[string][]*Region{}}
	for _, name := range names {
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		if err := r.add(text); err != nil {
			return nil, fmt.Errorf("rule pack %s: %w", name, err)
		}
	}
	if err := r.link(); err != nil {
		return nil, fmt.Errorf("rule packs: %w", err)
	}
	return r, nil
}

// add reads one file.
func (r *Rules) add(text []byte) error {
	var f file
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	lines := entryLines(text)
	if f.Version == "" {
		return errors.New("line 1: version: missing")
	}
	for i := range f.Regions {
		e := &f.Regions[i]
		if key, err := e.validate(); err != nil {
			return fmt.Errorf("line %d: %s: %s: %w", lines[i].of(key), e.ID, key, err)
		}
		for _, other := range r.regions[e.ID] {
			if overlap(e, other) {
				return fmt.Errorf("line %d: %s: id: a second entry for the same time", lines[i].of("id"), e.ID)
			}
		}
		r.regions[e.ID] = append(r.regions[e.ID], e)
	}
	if f.Version > r.version {
		r.version = f.Version
	}
	return nil
}

// link resolves same_as and checks what must be there.
func (r *Rules) link() error {
	if len(r.regions[strictID]) == 0 || r.regions[strictID][0].Hours == nil {
		return errors.New("no region STRICT with hours")
	}
	for id, entries := range r.regions {
		for _, e := range entries {
			if e.SameAs == "" {
				continue
			}
			base := r.regions[e.SameAs]
			if len(base) == 0 || base[0].SameAs != "" {
				return fmt.Errorf("%s: same_as: no region %q", id, e.SameAs)
			}
			name, from, to := e.Name, e.ValidFrom, e.ValidTo
			*e = *base[0]
			e.ID, e.SameAs, e.ValidFrom, e.ValidTo = id, base[0].ID, from, to
			if name != "" {
				e.Name = name
			}
		}
	}
	return nil
}

// validate checks an entry and builds its calendar. The key says where.
func (e *Region) validate() (key string, err error) {
	switch {
	case e.ID == "" || strings.ContainsAny(e.ID, "+| "):
		return "id", fmt.Errorf("%q is no region id", e.ID)
	case e.SameAs != "":
		return "", nil
	case e.Recording != "" && strictness[e.Recording] == 0:
		return "recording", fmt.Errorf("%q is not never, announce or always", e.Recording)
	case !e.ValidTo.IsZero() && !e.ValidFrom.Before(e.ValidTo):
		return "valid_to", errors.New("not after valid_from")
	}
	for _, c := range e.Caps {
		if c.N < 1 || c.Period <= 0 {
			return "caps", fmt.Errorf("n %d in period %v: both must be above zero", c.N, c.Period)
		}
	}
	for _, c := range e.Cooldowns {
		if c.After == "" || c.Wait <= 0 {
			return "cooldowns", fmt.Errorf("after %q wait %v", c.After, c.Wait)
		}
	}
	if a := e.Abandonment; a != nil && (a.Limit <= 0 || a.Limit > 0.05 || a.ConnectWithin <= 0) {
		return "abandonment", fmt.Errorf("limit %v must be in (0, 0.05], connect_within %v above zero", a.Limit, a.ConnectWithin)
	}
	if a := e.Abandonment; a != nil {
		if err := a.readWindows(); err != nil {
			return "abandonment", err
		}
	}
	if h := e.Hours; h != nil && (h.Weekdays == nil || h.Saturday == nil || h.Sunday == nil) {
		return "hours", errors.New("weekdays, saturday and sunday are required; write none for no calls")
	}
	e.calendar, err = newCalendar(e.Holidays)
	if err == nil && e.needsCalendar() && e.calendar == nil && e.ID != strictID {
		err = errors.New("missing, though hours differ on holidays")
	}
	return "holidays", err
}

func (e *Region) needsCalendar() bool {
	return e.Hours != nil && (e.Hours.Holiday != nil || e.Hours.BeforeHoliday != nil)
}

// overlap says whether two entries hold at the same time.
func overlap(a, b *Region) bool {
	return (a.ValidTo.IsZero() || b.ValidFrom.Before(a.ValidTo)) && (b.ValidTo.IsZero() || a.ValidFrom.Before(b.ValidTo))
}

// keyLines are the lines of an entry's keys; "" is the entry itself.
type keyLines map[string]int

func (k keyLines) of(key string) int {
	if line, ok := k[key]; ok {
		return line
	}
	return k[""]
}

// entryLines finds the lines of each region and its keys.
func entryLines(text []byte) []keyLines {
	var root struct {
		Regions []yaml.Node `yaml:"regions"`
	}
	if yaml.Unmarshal(text, &root) != nil {
		return nil
	}
	var all []keyLines
	for _, entry := range root.Regions {
		lines := keyLines{"": entry.Line}
		for i := 0; i+1 < len(entry.Content); i += 2 {
			lines[entry.Content[i].Value] = entry.Content[i].Line
		}
		all = append(all, lines)
	}
	return all
}

// checkWindows reports a campaign window that cannot be read; such a window
// keeps the campaign closed.
func checkWindows(c campaigns.Campaign) error {
	_, err := campaignHours(c.Windows)
	return err
}
