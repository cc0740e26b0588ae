package number

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/nyaruka/phonenumbers"
)

// The library answers each question about a number anew, with regular expressions
// that it builds from text each time: 50 µs of a core for one number, most of what an
// import cost. Here the same questions are asked of the same tables, with each
// expression compiled once, and a number that is written plainly is read without
// those for letters and extensions. TestPlansAgree holds both to the same answers.

// plan is the numbering plan of a region.
type plan struct {
	region  string // ISO 3166 alpha-2, "001" for a global network
	code    int
	general pattern
	kinds   []kindPattern // in the order in which the library asks
	fixed   pattern
	mobile  pattern
	same    bool    // fixed lines and mobiles are not told apart
	leading *prefix // numbers that begin so are of this region; nil: valid ones are
	foreign *prefix // what is dialled before a country code
	trunk   *prefix // what is dialled before a national number; nil: nothing
}

// pattern tells numbers by their length and their digits.
type pattern struct {
	lengths []int32
	text    string
	whole   func() *regexp.Regexp
}

// kindPattern is the pattern of a type of number.
type kindPattern struct {
	kind phonenumbers.PhoneNumberType
	pattern
}

// prefix is how a number begins.
type prefix struct{ match func() *regexp.Regexp }

func newPrefix(text string) *prefix {
	if text == "" {
		return nil
	}
	return &prefix{sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(?:` + text + `)`) })}
}

func (p *prefix) begins(digits string) bool { return p != nil && p.match().MatchString(digits) }

func newPattern(d *phonenumbers.PhoneNumberDesc) pattern {
	text := d.GetNationalNumberPattern()
	return pattern{d.GetPossibleLength(), text, sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(?:` + text + `)$`) })}
}

func (p pattern) matches(digits string) bool {
	if len(p.lengths) > 0 && !slices.Contains(p.lengths, int32(len(digits))) {
		return false
	}
	return p.text != "NA" && p.whole().MatchString(digits)
}

// plans are all numbering plans.
type plans struct {
	byRegion map[string]*plan
	global   map[int]*plan
	byCode   map[int][]*plan // the main region of a country code first
}

var allPlans = sync.OnceValue(func() plans {
	all := plans{map[string]*plan{}, map[int]*plan{}, map[int][]*plan{}}
	tables, err := phonenumbers.MetadataCollection()
	if err != nil {
		panic("number: the tables of numbering plans: " + err.Error()) // they are part of the program
	}
	for _, m := range tables.GetMetadata() {
		p := newPlan(m)
		if p.region == "001" {
			all.global[p.code] = p
		} else {
			all.byRegion[p.region] = p
		}
	}
	for code := range phonenumbers.GetSupportedCallingCodes() {
		for _, region := range phonenumbers.GetRegionCodesForCountryCode(code) {
			if p := all.byRegion[region]; p != nil {
				all.byCode[code] = append(all.byCode[code], p)
			}
		}
	}
	return all
})

func newPlan(m *phonenumbers.PhoneMetadata) *plan {
	p := &plan{
		region: m.GetId(), code: int(m.GetCountryCode()), general: newPattern(m.GetGeneralDesc()),
		fixed: newPattern(m.GetFixedLine()), mobile: newPattern(m.GetMobile()), same: m.GetSameMobileAndFixedLinePattern(),
		leading: newPrefix(m.GetLeadingDigits()), foreign: newPrefix(m.GetInternationalPrefix()), trunk: newPrefix(m.GetNationalPrefixForParsing()),
	}
	for _, k := range []struct {
		kind phonenumbers.PhoneNumberType
		desc *phonenumbers.PhoneNumberDesc
	}{
		{phonenumbers.PREMIUM_RATE, m.GetPremiumRate()}, {phonenumbers.TOLL_FREE, m.GetTollFree()}, {phonenumbers.SHARED_COST, m.GetSharedCost()},
		{phonenumbers.VOIP, m.GetVoip()}, {phonenumbers.PERSONAL_NUMBER, m.GetPersonalNumber()}, {phonenumbers.PAGER, m.GetPager()},
		{phonenumbers.UAN, m.GetUan()}, {phonenumbers.VOICEMAIL, m.GetVoicemail()},
	} {
		if found := newPattern(k.desc); found.text != "NA" {
			p.kinds = append(p.kinds, kindPattern{k.kind, found})
		}
	}
	return p
}

// kindOf is the type of a national number; see phonenumbers.GetNumberType.
func (p *plan) kindOf(national string) phonenumbers.PhoneNumberType {
	if !p.general.matches(national) {
		return phonenumbers.UNKNOWN
	}
	for _, k := range p.kinds {
		if k.matches(national) {
			return k.kind
		}
	}
	switch fixed := p.fixed.matches(national); {
	case fixed && (p.same || p.mobile.matches(national)):
		return phonenumbers.FIXED_LINE_OR_MOBILE
	case fixed:
		return phonenumbers.FIXED_LINE
	case !p.same && p.mobile.matches(national):
		return phonenumbers.MOBILE
	}
	return phonenumbers.UNKNOWN
}

// describe finds the region and the type of a number; see
// phonenumbers.GetRegionCodeForNumber and GetNumberType.
func describe(n *phonenumbers.PhoneNumber) (region string, kind phonenumbers.PhoneNumberType) {
	all, code := allPlans(), int(n.GetCountryCode())
	national := phonenumbers.GetNationalSignificantNumber(n)
	if p := all.global[code]; p != nil {
		return phonenumbers.GetRegionCodeForNumber(n), p.kindOf(national)
	}
	regions := all.byCode[code]
	if len(regions) == 1 {
		return regions[0].region, regions[0].kindOf(national)
	}
	for _, p := range regions {
		if p.leading != nil {
			if p.leading.begins(national) {
				return p.region, p.kindOf(national)
			}
		} else if kind := p.kindOf(national); kind != phonenumbers.UNKNOWN {
			return p.region, kind
		}
	}
	return "", phonenumbers.UNKNOWN
}

// shortest is how many digits a plain number has at least: more than any emergency
// or short number. longest is how many it may have.
const (
	shortest = 8
	longest  = 15
)

// plain reads a number that is written with digits and the usual separators only and
// needs nothing taken off but a plus and its country code. False: the library is to
// read it. See phonenumbers.Parse.
func plain(text, region string) (*phonenumbers.PhoneNumber, bool) {
	var b [longest + 1]byte
	digits := b[:0]
	plus := text[0] == '+'
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c >= '0' && c <= '9':
			if len(digits) == longest {
				return nil, false
			}
			digits = append(digits, c)
		case c == '+' && i == 0, c == ' ', c == '-', c == '.', c == '(', c == ')':
		default:
			return nil, false
		}
	}
	if len(digits) < shortest || digits[0] == '0' {
		return nil, false
	}
	national := string(digits)
	var p *plan
	if plus {
		p, national = byCountryCode(national)
	} else if p = allPlans().byRegion[region]; p != nil && (strings.HasPrefix(national, strconv.Itoa(p.code)) || p.foreign.begins(national)) {
		return nil, false
	}
	if p == nil || len(national) < 2 || national[0] == '0' || p.trunk.begins(national) {
		return nil, false
	}
	value, err := strconv.ParseUint(national, 10, 64)
	if err != nil {
		return nil, false
	}
	code := int32(p.code)
	return &phonenumbers.PhoneNumber{CountryCode: &code, NationalNumber: &value}, true
}

// byCountryCode is the main plan of the country code that digits begin with, and
// what follows it.
func byCountryCode(digits string) (*plan, string) {
	all := allPlans()
	code := 0
	for i := range min(3, len(digits)) {
		code = code*10 + int(digits[i]-'0')
		if regions := all.byCode[code]; len(regions) > 0 {
			return regions[0], digits[i+1:]
		}
	}
	return nil, digits
}
