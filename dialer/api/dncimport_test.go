package api

import (
	"strings"
	"testing"

	"github.com/outpace-dialer/outpace/campaigns"
)

// A file of numbers goes on the do-not-call list: every number of each row, also of one
// whose first number came before; a dry run writes nothing.
func TestSuppressFile(t *testing.T) {
	w := newWorld(t)
	const path = "/api/v1/do-not-call/import?region=PL&reason=register+of+May"
	const file = "\ufeffTelefon;Telefon 2;Imię\n601 100 201;;Anna\n601100201;22 555 01 23;Anna\nbrak;;Jan\n+44 20 7946 0123;;Eve\n"
	listed := func() map[string]campaigns.Suppression {
		t.Helper()
		all := map[string]campaigns.Suppression{}
		found, err := w.store.Suppressions(t.Context(), "", 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range found {
			all[x.E164] = x
		}
		return all
	}
	var dry, done SuppressReport
	w.as(t, "mia", "POST", path+"&dry_run=true", file).want(t, 200).into(t, &dry)
	if n := len(listed()); n != 0 || dry.Good != 3 || !dry.DryRun {
		t.Errorf("dry run: %d numbers listed, report %+v", n, dry)
	}
	w.as(t, "mia", "POST", path, file).want(t, 200).into(t, &done)
	if done.Good != 3 || done.BadRows != 1 || done.Bad[0].Line != 4 || done.Numbers != 4 {
		t.Errorf("report %+v", done)
	}
	got := listed()
	for _, number := range []string{"+48601100201", "+48225550123", "+442079460123"} {
		if x := got[number]; x.Reason != "register of May" || x.Source != "import" || x.By != "mia" {
			t.Errorf("%s: %+v", number, x)
		}
	}
	if len(got) != 3 {
		t.Errorf("listed %+v", got)
	}
	w.as(t, "mia", "POST", "/api/v1/do-not-call/import", file).want(t, 422) // without a reason
	w.as(t, "mia", "POST", path, "colour\nred\n").want(t, 422)
	if entries := w.audited(t, "do-not-call.import"); len(entries) != 1 || entries[0].By != "mia" || !strings.Contains(entries[0].After, "register of May") || strings.Contains(entries[0].After, "601100201") {
		t.Errorf("audited %+v", entries)
	}
}
