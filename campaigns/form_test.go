package campaigns

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCheckForm(t *testing.T) {
	c := Campaign{Form: []FormField{
		{Name: "until", Kind: DateField, RequiredFor: []string{"sale"}},
		{Name: "price", Kind: NumberField},
		{Name: "supplier", Kind: ChoiceField, Choices: []string{"a", "b"}, RequiredFor: []string{"*"}},
		{Name: "owner", Kind: YesNoField},
		{Name: "words", Kind: TextField},
	}}
	type fields = map[string]string
	good := fields{"until": "2027-01-31", "price": "12.5", "supplier": "b", "owner": "no", "words": "any"}
	with := func(name, value string) fields { return Filled(good, fields{name: value}) }
	for _, test := range []struct {
		what, disposition string
		written, known    fields
		want              string
	}{
		{"all", "sale", good, nil, ""},
		{"needed for a sale", "sale", with("until", ""), nil, `fields.until: it is needed before "sale"`},
		{"not needed else", "callback", with("until", ""), nil, ""},
		{"needed always", "callback", nil, nil, `fields.supplier: it is needed before "callback"`},
		{"known of the lead", "sale", fields{"until": "2027-01-31"}, fields{"supplier": "of old"}, ""},
		{"taken out of the lead", "sale", fields{"until": "2027-01-31", "supplier": ""}, fields{"supplier": "a"}, "fields.supplier: it is needed"},
		{"no date", "sale", with("until", "31.01.2027"), nil, "fields.until: "},
		{"no number", "sale", with("price", "NaN"), nil, "fields.price: "},
		{"no choice", "sale", with("supplier", "c"), nil, "fields.supplier: "},
		{"neither", "sale", with("owner", "perhaps"), nil, "fields.owner: "},
		{"too long", "sale", with("words", strings.Repeat("ł", 2001)), nil, "fields.words: "},
		{"not of the form", "sale", with("salary", "1"), nil, "fields: "},
	} {
		err := c.CheckForm(test.disposition, test.written, test.known)
		if got := errorText(err); !strings.HasPrefix(got, test.want) || test.want == "" && got != "" {
			t.Errorf("%s: %q, want %q", test.what, got, test.want)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestFilled(t *testing.T) {
	old := map[string]string{"a": "1", "b": "2"}
	got := Filled(old, map[string]string{"b": "", "c": "3"})
	if diff := cmp.Diff(map[string]string{"a": "1", "c": "3"}, got); diff != "" || old["b"] != "2" || len(old) != 2 {
		t.Errorf("-want +got:\n%s\nold: %v", diff, old)
	}
}

func TestFormProblems(t *testing.T) {
	for want, f := range map[string]FormField{
		"form[0].name":         {Name: "a{b}", Kind: TextField},
		"form[0].kind":         {Name: "a", Kind: "colour"},
		"form[0].choices":      {Name: "a", Kind: ChoiceField},
		"form[0].required_for": {Name: "a", Kind: TextField, RequiredFor: []string{"bought"}},
		"":                     {Name: "contract until", Kind: DateField, RequiredFor: []string{"sale", "*"}},
	} {
		var p problems
		Campaign{Form: []FormField{f}}.validateForm(&p)
		if want == "" && len(p) > 0 || want != "" && (len(p) != 1 || !strings.HasPrefix(p[0].Error(), want+":")) {
			t.Errorf("%+v: %v, want %q", f, p, want)
		}
	}
}
