package leadfile

import (
	"strings"
	"sync"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// countryOf is the region (ISO 3166 alpha-2) that somebody means by a country: two or
// three letters, its name in English, Polish or Chinese, or its calling code. Empty where
// it is none.
func countryOf(text string) string {
	text = strings.Trim(text, " .")
	if digits := strings.TrimPrefix(strings.TrimPrefix(text, "+"), "00"); digits != "" && strings.Trim(digits, "0123456789") == "" {
		return regionOfCode(digits)
	}
	if len(text) == 2 || len(text) == 3 {
		if strings.EqualFold(text, "UK") {
			return "GB"
		}
		if region, err := language.ParseRegion(text); err == nil && region.IsCountry() {
			return region.Canonicalize().String()
		}
	}
	return countryNames()[plainCountry(text)]
}

// regionOfCode is a region that has a calling code, "48": of several the one that the
// plan is named after, as they share their numbers. Empty where nobody has it.
func regionOfCode(digits string) string {
	code := 0
	for _, d := range digits {
		if code = 10*code + int(d-'0'); code > 999 {
			return ""
		}
	}
	region := phonenumbers.GetRegionCodeForCountryCode(code)
	if region == phonenumbers.UNKNOWN_REGION || region == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY {
		return ""
	}
	return region
}

// countryNames are the regions that have telephones, by name.
var countryNames = sync.OnceValue(func() map[string]string {
	names := map[string]string{
		"unitedstatesofamerica": "US", "america": "US", "england": "GB", "scotland": "GB", "wales": "GB", "greatbritain": "GB",
		"usa": "US", "wielkabrytania": "GB", "stanyzjednoczoneameryki": "US", "czechrepublic": "CZ", "russianfederation": "RU",
	}
	for region := range phonenumbers.GetSupportedRegions() {
		id, err := language.ParseRegion(region)
		if err != nil {
			continue
		}
		for _, in := range []language.Tag{language.English, language.Polish, language.SimplifiedChinese, language.TraditionalChinese} {
			if name := plainCountry(display.Regions(in).Name(id)); name != "" {
				names[name] = region
			}
		}
	}
	return names
})

func plainCountry(name string) string {
	return plainName(strings.TrimPrefix(strings.ToLower(strings.TrimSpace(name)), "the "))
}
