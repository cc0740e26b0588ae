package campaigns

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// FieldKind is what can be written into a field of a form.
type FieldKind string

// The kinds of fields.
const (
	TextField   FieldKind = "text"
	NumberField FieldKind = "number" // 12 or 12.5
	ChoiceField FieldKind = "choice" // one of FormField.Choices
	DateField   FieldKind = "date"   // 2026-03-02
	YesNoField  FieldKind = "yes_no" // yes or no
)

// FormField is what an operator asks a person and writes down. It is kept as the lead's
// custom field of that name.
type FormField struct {
	Name    string    `json:"name"`
	Label   string    `json:"label,omitempty"` // empty: the name
	Kind    FieldKind `json:"kind"`
	Choices []string  `json:"choices,omitempty"`
	// RequiredFor are the dispositions that cannot be given without it; "*" is all of them.
	RequiredFor []string `json:"required_for,omitempty"`
}

const (
	maxFormFields = 50
	maxFieldValue = 2000 // characters
)

var fieldName = regexp.MustCompile(`^[\pL\pN_][\pL\pN_ -]{0,63}$`)

// CheckForm says whether what an operator wrote into the form goes with a disposition;
// known are the lead's custom fields. The error is a *FieldError of the first field that
// is wrong, or missing.
func (c Campaign) CheckForm(disposition string, written, known map[string]string) error {
	left := len(written)
	for _, f := range c.Form {
		value, given := written[f.Name]
		if given {
			left--
		} else {
			value = known[f.Name]
		}
		problem := ""
		switch {
		case value != "" && given:
			problem = f.wrong(value)
		case value == "" && f.requiredFor(disposition):
			problem = fmt.Sprintf("it is needed before %q", disposition)
		}
		if problem != "" {
			return &FieldError{"fields." + f.Name, problem}
		}
	}
	if left > 0 {
		return &FieldError{"fields", "there is one that the campaign's form does not have"}
	}
	return nil
}

func (f FormField) requiredFor(disposition string) bool {
	return slices.Contains(f.RequiredFor, disposition) || slices.Contains(f.RequiredFor, "*")
}

// wrong says why a value is none of the field; empty where it is one.
func (f FormField) wrong(value string) string {
	switch f.Kind {
	case NumberField:
		if x, err := strconv.ParseFloat(value, 64); err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
			return fmt.Sprintf("%q is not a number", value)
		}
	case ChoiceField:
		if !slices.Contains(f.Choices, value) {
			return fmt.Sprintf("%q is none of its choices", value)
		}
	case DateField:
		if _, err := time.Parse(time.DateOnly, value); err != nil {
			return fmt.Sprintf("%q is not a date like 2026-03-02", value)
		}
	case YesNoField:
		if value != "yes" && value != "no" {
			return fmt.Sprintf("%q is neither yes nor no", value)
		}
	}
	if utf8.RuneCountInString(value) > maxFieldValue {
		return fmt.Sprintf("it has more than %d characters", maxFieldValue)
	}
	return ""
}

// Filled is fields with what was written into a form: an empty value takes a field out.
// fields stays as it is.
func Filled(fields, written map[string]string) map[string]string {
	if len(written) == 0 {
		return fields
	}
	all := make(map[string]string, len(fields)+len(written))
	for name, value := range fields {
		all[name] = value
	}
	for name, value := range written {
		if value == "" {
			delete(all, name)
		} else {
			all[name] = value
		}
	}
	return all
}

func (c Campaign) validateForm(p *problems) {
	if len(c.Form) > maxFormFields {
		p.add("form", "%d fields are more than %d", len(c.Form), maxFormFields)
	}
	seen := map[string]bool{}
	for i, f := range c.Form {
		field := at("form", i)
		if !fieldName.MatchString(f.Name) || seen[f.Name] {
			p.add(field+".name", "%q is not 1 to 64 letters, digits, spaces, _ and -, or used twice", f.Name)
		}
		seen[f.Name] = true
		if !slices.Contains([]FieldKind{TextField, NumberField, ChoiceField, DateField, YesNoField}, f.Kind) {
			p.add(field+".kind", "%q is none of text, number, choice, date, yes_no", f.Kind)
		}
		if (f.Kind == ChoiceField) != (len(f.Choices) > 0) || slices.Contains(f.Choices, "") {
			p.add(field+".choices", "a choice needs some, none of them empty; other kinds have none")
		}
		for _, code := range f.RequiredFor {
			if _, known := c.Disposition(code); !known && code != "*" {
				p.add(field+".required_for", "%q is not a disposition", code)
			}
		}
	}
}
