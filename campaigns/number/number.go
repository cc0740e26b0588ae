// Package number knows phone numbers: their E.164 form, their country, which
// kind of line they are, every time zone the called person may be in, and the
// rule regions that have a say.
//
// It is not a formatter for trunks (sip/trunk does that) and does not decide
// whether a number may be called now (campaigns/eligibility does). It refuses
// what a dialer must never call: emergency, short, premium, toll-free, shared
// cost, satellite and personal numbers.
//
//	raw text ─► Parse ─► Parsed ─► Number(kind, hints) ─► campaigns.Number
//	            refused: *Error with a Reason
//
// Zones are a set on purpose: a number alone seldom proves where the person is,
// so each source may only add a zone. The one that may remove others is the
// person's own word (Hints.Confirmed), and an address outside of North America.
package number

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	_ "time/tzdata" // the same zones on every machine, also in an empty container

	"github.com/nyaruka/phonenumbers"
	"github.com/outpace-dialer/outpace/campaigns"
)

// Reason is why a number is refused.
type Reason string

// The reasons of an Error.
const (
	Malformed    Reason = "malformed"         // not a phone number at all
	NoCountry    Reason = "no_country"        // national form and no default region
	WrongLength  Reason = "wrong_length"      // too short or too long for its country
	NotAssigned  Reason = "not_assigned"      // no such range in its country
	Emergency    Reason = "emergency"         // 112, 911, ...
	ShortCode    Reason = "short_code"        // directory, premium short codes, ...
	Premium      Reason = "premium"           // premium rate
	TollFree     Reason = "toll_free"         // has no place, so no legal hours
	SharedCost   Reason = "shared_cost"       // the called party or we pay extra
	PersonalLine Reason = "personal"          // follow-me numbers, charged like premium ones
	Satellite    Reason = "satellite"         // satellite and global networks
	NotAPerson   Reason = "not_a_person"      // pagers, voicemail access
	NoZone       Reason = "no_zone"           // no time zone is known for it
	BadZone      Reason = "unknown_time_zone" // the hint names no IANA zone
)

// Error says why a number is refused. Its text does not repeat the number.
type Error struct {
	Reason Reason
	Detail string
}

func (e *Error) Error() string {
	if e.Detail == "" {
		return "number: " + string(e.Reason)
	}
	return "number: " + string(e.Reason) + ": " + e.Detail
}

func refuse(reason Reason, detail string, args ...any) error {
	return &Error{reason, fmt.Sprintf(detail, args...)}
}

// Parsed is a number that may be dialled at some time.
type Parsed struct {
	E164    string               // "+48225550123"
	Country string               // ISO 3166 alpha-2, "PL"
	Kind    campaigns.NumberKind // a guess from its range: mobile, home or other
	Zones   []string             // every plausible IANA zone, sorted, never empty
	Regions []string             // rule regions, sorted: "PL"; "US-FED", "US-NY"
	Basis   string               // where the zones come from: "area code 212"

	mobile bool // may be anywhere in its country
}

// maxRaw bounds what is looked at, in bytes. The longest sensible spelling of a
// number, with an extension, is far below.
const maxRaw = 64

// extension is one behind a number, in words that the library does not know: what follows
// would be taken for digits of the number. It cannot be dialled, and is left out as those
// are that the library knows (ext, x, int, доб, anexo).
var extension = regexp.MustCompile(`(?i)[\s,;/(]*(wew(n|nętrzny|netrzny)?|durchwahl|dw|poste|klapka|linka|分机|分機|转|轉)[\s.:]*[0-9]{1,6}\)?$`)

// Parse reads a number as people write it. defaultRegion (ISO 3166 alpha-2) is
// used where raw has no country code; empty means that it must have one. Every
// error is an *Error.
func Parse(raw, defaultRegion string) (Parsed, error) {
	text := strings.TrimSpace(raw)
	if text == "" || len(text) > maxRaw {
		return Parsed{}, refuse(Malformed, "%d characters", len(text))
	}
	text = extension.ReplaceAllString(text, "")
	region := strings.ToUpper(defaultRegion)
	if region == "UK" {
		region = "GB"
	}
	if region == "" && strings.HasPrefix(text, "00") {
		text = "+" + text[2:]
	}
	if n, ok := plain(text, region); ok {
		return place(n, region)
	}
	if region != "" && phonenumbers.IsEmergencyNumber(text, region) {
		return Parsed{}, refuse(Emergency, "in %s", region)
	}
	n, err := phonenumbers.Parse(text, region)
	if err != nil {
		return Parsed{}, malformed(text, region, err)
	}
	return place(n, region)
}

// place finds out all about a number that may be dialled, and refuses the others.
func place(n *phonenumbers.PhoneNumber, region string) (Parsed, error) {
	country, kind := describe(n)
	if err := dialable(n, kind, region); err != nil {
		return Parsed{}, err
	}
	return locate(n, country, kind)
}

// malformed explains why the library could not read a number.
func malformed(text, region string, err error) error {
	hasCode := strings.ContainsAny(text[:1], "+＋")
	switch {
	case region == "" && !hasCode && strings.ContainsAny(text, "0123456789"):
		return refuse(NoCountry, "write it with + and country code, or give a default region")
	case strings.ContainsAny(text, "eE") && strings.ContainsAny(text, "+.") && !hasCode:
		return refuse(Malformed, "a spreadsheet rounded it; format the column as text")
	}
	return refuse(Malformed, "%v", err)
}

// globalNetworks are the calling codes of no country that nobody's customer
// has: satellite and international networks (ITU-T E.164, list of codes).
var globalNetworks = []int32{870, 878, 881, 882, 883, 888}

// dialable refuses the ranges that a dialer must never call.
func dialable(n *phonenumbers.PhoneNumber, kind phonenumbers.PhoneNumberType, region string) error {
	code := n.GetCountryCode()
	if slices.Contains(globalNetworks, code) {
		return refuse(Satellite, "+%d", code)
	}
	switch code {
	case 979:
		return refuse(Premium, "+979")
	case 800:
		return refuse(TollFree, "+800")
	case 808:
		return refuse(SharedCost, "+808")
	}
	switch kind {
	case phonenumbers.FIXED_LINE, phonenumbers.MOBILE, phonenumbers.FIXED_LINE_OR_MOBILE, phonenumbers.VOIP, phonenumbers.UAN:
		return nil
	case phonenumbers.PREMIUM_RATE:
		return refuse(Premium, "")
	case phonenumbers.TOLL_FREE:
		return refuse(TollFree, "")
	case phonenumbers.SHARED_COST:
		return refuse(SharedCost, "")
	case phonenumbers.PERSONAL_NUMBER:
		return refuse(PersonalLine, "")
	case phonenumbers.PAGER, phonenumbers.VOICEMAIL:
		return refuse(NotAPerson, "")
	}
	return notAssigned(n, region)
}

// notAssigned names the nearest reason for a number that no range holds.
func notAssigned(n *phonenumbers.PhoneNumber, region string) error {
	if region == "" {
		region = phonenumbers.GetRegionCodeForCountryCode(int(n.GetCountryCode()))
	}
	national := phonenumbers.GetNationalSignificantNumber(n)
	if phonenumbers.IsEmergencyNumber(national, region) {
		return refuse(Emergency, "in %s", region)
	}
	if phonenumbers.IsPossibleShortNumberForRegion(n, region) && phonenumbers.IsValidShortNumberForRegion(n, region) {
		return refuse(ShortCode, "in %s", region)
	}
	switch phonenumbers.IsPossibleNumberWithReason(n) {
	case phonenumbers.TOO_SHORT, phonenumbers.TOO_LONG, phonenumbers.INVALID_LENGTH, phonenumbers.IS_POSSIBLE_LOCAL_ONLY:
		return refuse(WrongLength, "%d digits after +%d", len(national), n.GetCountryCode())
	}
	return refuse(NotAssigned, "no such range in +%d", n.GetCountryCode())
}

// locate finds country, kind, zones and regions of a valid number.
func locate(n *phonenumbers.PhoneNumber, country string, kind phonenumbers.PhoneNumberType) (Parsed, error) {
	p := Parsed{E164: phonenumbers.Format(n, phonenumbers.E164)}
	if a, ok := areaCodeOf(p.E164); ok {
		p.Country, p.Kind = a.country, campaigns.Other
		p.Zones, p.Regions = slices.Clone(a.zones), slices.Clone(a.regions)
		p.Basis = "area code " + p.E164[2:5]
		return p, nil
	}
	p.Country = country
	p.Kind, p.mobile = lineOf(kind)
	zones, err := phonenumbers.GetTimezonesForPrefix(p.E164)
	if err != nil {
		return Parsed{}, refuse(NoZone, "%v", err)
	}
	p.Basis = "number prefix"
	if p.mobile {
		zones = append(slices.Clone(zones), countryZones[p.Country]...)
		p.Basis = "all zones of " + p.Country
	}
	p.Zones = canonicalZones(zones)
	if len(p.Zones) == 0 {
		return Parsed{}, refuse(NoZone, "country %s", p.Country)
	}
	p.Regions = []string{countryRegion(p.Country)}
	return p, nil
}

// lineOf guesses the kind of a line and says whether it may be anywhere in its
// country.
func lineOf(kind phonenumbers.PhoneNumberType) (line campaigns.NumberKind, anywhere bool) {
	switch kind {
	case phonenumbers.FIXED_LINE:
		return campaigns.Home, false
	case phonenumbers.MOBILE:
		return campaigns.Mobile, true
	}
	return campaigns.Other, true
}

// countryRegion is the rule region of a country. A country without a rule pack
// keeps its own name: the rules fall back to STRICT for it, and a pack that
// comes later applies without importing anew.
func countryRegion(country string) string {
	switch country {
	case "":
		return "STRICT"
	case "GB", "GG", "JE", "IM":
		return "UK"
	}
	return country
}
