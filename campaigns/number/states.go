package number

import "strings"

// stateZones are the zones of US states, territories and Canadian provinces,
// keyed by their two letters (no two of both countries agree). A state with two
// zones has both. Source: 49 CFR part 71; tz database.
var stateZones = map[string][]string{
	"AL": {"America/Chicago"}, "AK": {"America/Adak", "America/Anchorage"}, "AZ": {"America/Denver", "America/Phoenix"},
	"AR": {"America/Chicago"}, "CA": {"America/Los_Angeles"}, "CO": {"America/Denver"}, "CT": {"America/New_York"},
	"DE": {"America/New_York"}, "DC": {"America/New_York"}, "FL": {"America/Chicago", "America/New_York"},
	"GA": {"America/New_York"}, "HI": {"Pacific/Honolulu"}, "ID": {"America/Boise", "America/Los_Angeles"},
	"IL": {"America/Chicago"}, "IN": {"America/Chicago", "America/New_York"}, "IA": {"America/Chicago"},
	"KS": {"America/Chicago", "America/Denver"}, "KY": {"America/Chicago", "America/New_York"}, "LA": {"America/Chicago"},
	"ME": {"America/New_York"}, "MD": {"America/New_York"}, "MA": {"America/New_York"},
	"MI": {"America/Chicago", "America/New_York"}, "MN": {"America/Chicago"}, "MS": {"America/Chicago"},
	"MO": {"America/Chicago"}, "MT": {"America/Denver"}, "NE": {"America/Chicago", "America/Denver"},
	"NV": {"America/Boise", "America/Los_Angeles"}, "NH": {"America/New_York"}, "NJ": {"America/New_York"},
	"NM": {"America/Denver"}, "NY": {"America/New_York"}, "NC": {"America/New_York"},
	"ND": {"America/Chicago", "America/Denver"}, "OH": {"America/New_York"}, "OK": {"America/Chicago"},
	"OR": {"America/Boise", "America/Los_Angeles"}, "PA": {"America/New_York"}, "RI": {"America/New_York"},
	"SC": {"America/New_York"}, "SD": {"America/Chicago", "America/Denver"}, "TN": {"America/Chicago", "America/New_York"},
	"TX": {"America/Chicago", "America/Denver"}, "UT": {"America/Denver"}, "VT": {"America/New_York"},
	"VA": {"America/New_York"}, "WA": {"America/Los_Angeles"}, "WV": {"America/New_York"}, "WI": {"America/Chicago"},
	"WY": {"America/Denver"}, "PR": {"America/Puerto_Rico"}, "VI": {"America/Puerto_Rico"}, "GU": {"Pacific/Guam"},
	"MP": {"Pacific/Guam"}, "AS": {"Pacific/Pago_Pago"},

	"AB": {"America/Edmonton"}, "BC": {"America/Edmonton", "America/Fort_Nelson", "America/Vancouver"},
	"MB": {"America/Winnipeg"}, "NB": {"America/Halifax"}, "NL": {"America/Goose_Bay", "America/St_Johns"},
	"NS": {"America/Halifax"}, "NT": {"America/Edmonton"}, "NU": {"America/Edmonton", "America/Iqaluit", "America/Rankin_Inlet"},
	"ON": {"America/Toronto", "America/Winnipeg"}, "PE": {"America/Halifax"}, "QC": {"America/Halifax", "America/Toronto"},
	"SK": {"America/Edmonton", "America/Regina"}, "YT": {"America/Whitehorse"},
}

// provinces are the keys of stateZones that are Canadian.
var provinces = map[string]bool{
	"AB": true, "BC": true, "MB": true, "NB": true, "NL": true, "NS": true, "NT": true,
	"NU": true, "ON": true, "PE": true, "QC": true, "SK": true, "YT": true,
}

// stateNames are English names in lower case.
var stateNames = map[string]string{
	"alabama": "AL", "alaska": "AK", "arizona": "AZ", "arkansas": "AR", "california": "CA", "colorado": "CO",
	"connecticut": "CT", "delaware": "DE", "district of columbia": "DC", "washington dc": "DC", "florida": "FL",
	"georgia": "GA", "hawaii": "HI", "idaho": "ID", "illinois": "IL", "indiana": "IN", "iowa": "IA", "kansas": "KS",
	"kentucky": "KY", "louisiana": "LA", "maine": "ME", "maryland": "MD", "massachusetts": "MA", "michigan": "MI",
	"minnesota": "MN", "mississippi": "MS", "missouri": "MO", "montana": "MT", "nebraska": "NE", "nevada": "NV",
	"new hampshire": "NH", "new jersey": "NJ", "new mexico": "NM", "new york": "NY", "north carolina": "NC",
	"north dakota": "ND", "ohio": "OH", "oklahoma": "OK", "oregon": "OR", "pennsylvania": "PA", "rhode island": "RI",
	"south carolina": "SC", "south dakota": "SD", "tennessee": "TN", "texas": "TX", "utah": "UT", "vermont": "VT",
	"virginia": "VA", "washington": "WA", "west virginia": "WV", "wisconsin": "WI", "wyoming": "WY",
	"puerto rico": "PR", "virgin islands": "VI", "guam": "GU", "northern mariana islands": "MP", "american samoa": "AS",
	"alberta": "AB", "british columbia": "BC", "manitoba": "MB", "new brunswick": "NB",
	"newfoundland and labrador": "NL", "nova scotia": "NS", "northwest territories": "NT", "nunavut": "NU",
	"ontario": "ON", "prince edward island": "PE", "quebec": "QC", "québec": "QC", "saskatchewan": "SK", "yukon": "YT",
}

// stateByName reads a state column: "NY", "us-ny", "New York".
func stateByName(text string) (string, bool) {
	name := strings.ToLower(strings.TrimSpace(text))
	if s, ok := stateNames[name]; ok {
		return s, true
	}
	code := strings.ToUpper(strings.TrimPrefix(strings.TrimPrefix(name, "us-"), "ca-"))
	_, ok := stateZones[code]
	return code, ok
}

// zipRanges are the first three digits of ZIP codes, each row the last of a run
// and its state. Source: USPS Publication 65, three-digit prefixes. Military
// addresses (090-098, 340, 962-966) and gaps have no state.
var zipRanges = []struct {
	last  int
	state string
}{
	{4, ""}, {5, "NY"}, {7, "PR"}, {8, "VI"}, {9, "PR"}, {27, "MA"}, {29, "RI"}, {38, "NH"}, {49, "ME"}, {54, "VT"}, {55, "MA"}, {59, "VT"},
	{69, "CT"}, {89, "NJ"}, {99, ""}, {149, "NY"}, {196, "PA"}, {199, "DE"}, {200, "DC"}, {201, "VA"}, {205, "DC"},
	{219, "MD"}, {246, "VA"}, {268, "WV"}, {269, ""}, {289, "NC"}, {299, "SC"}, {319, "GA"}, {339, "FL"}, {340, ""}, {349, "FL"},
	{369, "AL"}, {385, "TN"}, {397, "MS"}, {399, "GA"}, {427, "KY"}, {429, ""}, {459, "OH"}, {479, "IN"}, {499, "MI"}, {528, "IA"},
	{529, ""}, {549, "WI"}, {567, "MN"}, {569, "DC"}, {577, "SD"}, {579, ""}, {588, "ND"}, {589, ""}, {599, "MT"}, {629, "IL"},
	{658, "MO"}, {659, ""}, {679, "KS"}, {693, "NE"}, {699, ""}, {714, "LA"}, {715, ""}, {729, "AR"}, {732, "OK"}, {733, "TX"}, {749, "OK"},
	{799, "TX"}, {816, "CO"}, {819, ""}, {831, "WY"}, {838, "ID"}, {839, ""}, {847, "UT"}, {849, ""}, {865, "AZ"}, {869, ""}, {884, "NM"},
	{885, "TX"}, {888, ""}, {898, "NV"}, {899, ""}, {961, "CA"}, {966, ""}, {968, "HI"}, {969, "GU"}, {979, "OR"}, {994, "WA"}, {999, "AK"},
}

// stateByZIP finds the state of a US ZIP code: "60601", "60601-1234".
func stateByZIP(zip string) (string, bool) {
	zip, _, _ = strings.Cut(strings.TrimSpace(zip), "-")
	if len(zip) != 5 {
		return "", false
	}
	for i := range zip {
		if zip[i] < '0' || zip[i] > '9' {
			return "", false
		}
	}
	prefix := int(zip[0]-'0')*100 + int(zip[1]-'0')*10 + int(zip[2]-'0')
	for _, r := range zipRanges {
		if prefix <= r.last {
			return r.state, r.state != ""
		}
	}
	return "", false
}
