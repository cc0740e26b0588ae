package app

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/api"
)

// A draft outlives the process that kept it, and no longer than a day.
func TestDrafts(t *testing.T) {
	dir, now := filepath.Join(t.TempDir(), "drafts"), time.Now()
	open := func(at time.Time) drafts {
		t.Helper()
		d, err := openDrafts(dir, at)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	want := api.Draft{Attempt: "a1", Note: "ask for 王小明", Disposition: "callback", CallbackLocal: "2026-11-28T10:30", Fields: map[string]string{"until": "2027-01-31"}, At: now.UTC()}
	if err := open(now).Keep("olga", want); err != nil {
		t.Fatal(err)
	}
	if got, err := open(now).Draft("olga"); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("draft = %+v, %v, want %+v", got, err, want)
	}
	if _, err := open(now).Draft("piotr"); !errors.Is(err, campaigns.ErrNotFound) {
		t.Errorf("somebody else's draft: %v", err)
	}
	if err := errors.Join(open(now).Drop("olga"), open(now).Drop("olga")); err != nil {
		t.Errorf("dropped twice: %v", err)
	}
	old := want
	old.At = now.Add(-draftsFor - time.Minute)
	if err := open(now).Keep("olga", old); err != nil {
		t.Fatal(err)
	}
	if _, err := open(now).Draft("olga"); !errors.Is(err, campaigns.ErrNotFound) {
		t.Errorf("a draft of the day before yesterday: %v", err)
	}
	if err := open(now).Keep("olga", want); err != nil {
		t.Fatal(err)
	}
	open(now.Add(draftsFor + time.Hour))
	if files, err := os.ReadDir(dir); err != nil || len(files) != 0 {
		t.Errorf("%d old drafts stay (%v)", len(files), err)
	}
}
