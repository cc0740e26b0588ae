package number

import (
	"slices"
	"sync"
)

// zoneCache keeps loaded zones; a leaf cache of immutable values.
var zoneCache sync.Map

// nanp are the countries whose leads may carry a US or Canadian address.
var nanp = map[string]bool{"US": true, "CA": true}

// countryZones are the zones of countries that have more than one. A mobile,
// VoIP or company-wide number of such a country may be in any of them: the
// library knows one zone only for most (Moscow for every Russian mobile).
// Places whose clocks agree today are given once. Source: tz database,
// zone1970.tab; without uninhabited stations and Australia's Indian Ocean
// islands.
var countryZones = map[string][]string{
	"AU": {"Australia/Adelaide", "Australia/Brisbane", "Australia/Darwin", "Australia/Eucla", "Australia/Lord_Howe", "Australia/Perth", "Australia/Sydney"},
	"BR": {"America/Manaus", "America/Noronha", "America/Rio_Branco", "America/Sao_Paulo"},
	"CD": {"Africa/Kinshasa", "Africa/Lubumbashi"},
	"CL": {"America/Punta_Arenas", "America/Santiago", "Pacific/Easter"},
	"CN": {"Asia/Shanghai"},
	"EC": {"America/Guayaquil", "Pacific/Galapagos"},
	"ES": {"Atlantic/Canary", "Europe/Madrid"},
	"FM": {"Pacific/Chuuk", "Pacific/Pohnpei"},
	"GL": {"America/Danmarkshavn", "America/Nuuk", "America/Scoresbysund", "America/Thule"},
	"ID": {"Asia/Jakarta", "Asia/Jayapura", "Asia/Makassar"},
	"KI": {"Pacific/Kanton", "Pacific/Kiritimati", "Pacific/Tarawa"},
	"KZ": {"Asia/Almaty", "Asia/Qyzylorda"},
	"MN": {"Asia/Hovd", "Asia/Ulaanbaatar"},
	"MX": {"America/Cancun", "America/Chihuahua", "America/Ciudad_Juarez", "America/Hermosillo", "America/Matamoros", "America/Mazatlan", "America/Mexico_City", "America/Tijuana"},
	"NZ": {"Pacific/Auckland", "Pacific/Chatham"},
	"PF": {"Pacific/Gambier", "Pacific/Marquesas", "Pacific/Tahiti"},
	"PG": {"Pacific/Bougainville", "Pacific/Port_Moresby"},
	"PT": {"Atlantic/Azores", "Europe/Lisbon"},
	"RE": {"Indian/Mayotte", "Indian/Reunion"}, // one numbering plan, +262
	"RU": {"Asia/Irkutsk", "Asia/Kamchatka", "Asia/Krasnoyarsk", "Asia/Magadan", "Asia/Omsk", "Asia/Vladivostok", "Asia/Yakutsk", "Asia/Yekaterinburg", "Europe/Kaliningrad", "Europe/Moscow", "Europe/Samara"},
	"UA": {"Europe/Kyiv", "Europe/Simferopol"},
	"YT": {"Indian/Mayotte", "Indian/Reunion"},
}

// zoneAliases are old names that the library or lists use, with the present
// one. Source: tz database, file backward.
var zoneAliases = map[string]string{
	"Africa/Asmera": "Africa/Asmara", "America/Buenos_Aires": "America/Argentina/Buenos_Aires",
	"America/Catamarca": "America/Argentina/Catamarca", "America/Cordoba": "America/Argentina/Cordoba",
	"America/Fort_Wayne": "America/Indiana/Indianapolis", "America/Godthab": "America/Nuuk",
	"America/Indianapolis": "America/Indiana/Indianapolis", "America/Jujuy": "America/Argentina/Jujuy",
	"America/Knox_IN": "America/Indiana/Knox", "America/Louisville": "America/Kentucky/Louisville",
	"America/Mendoza": "America/Argentina/Mendoza", "America/Montreal": "America/Toronto",
	"America/Porto_Acre": "America/Rio_Branco", "America/Rosario": "America/Argentina/Cordoba",
	"America/Santa_Isabel": "America/Tijuana", "America/Shiprock": "America/Denver",
	"America/Thunder_Bay": "America/Toronto", "America/Nipigon": "America/Toronto",
	"America/Pangnirtung": "America/Iqaluit", "America/Rainy_River": "America/Winnipeg",
	"America/Yellowknife": "America/Edmonton", "America/Virgin": "America/Puerto_Rico",
	"America/St_Thomas": "America/Puerto_Rico",
	"Asia/Ashkhabad":    "Asia/Ashgabat", "Asia/Calcutta": "Asia/Kolkata", "Asia/Chongqing": "Asia/Shanghai",
	"Asia/Chungking": "Asia/Shanghai", "Asia/Dacca": "Asia/Dhaka", "Asia/Harbin": "Asia/Shanghai",
	"Asia/Istanbul": "Europe/Istanbul", "Asia/Katmandu": "Asia/Kathmandu", "Asia/Macao": "Asia/Macau",
	"Asia/Rangoon": "Asia/Yangon", "Asia/Saigon": "Asia/Ho_Chi_Minh", "Asia/Tel_Aviv": "Asia/Jerusalem",
	"Asia/Thimbu": "Asia/Thimphu", "Asia/Ujung_Pandang": "Asia/Makassar", "Asia/Ulan_Bator": "Asia/Ulaanbaatar",
	"Asia/Choibalsan": "Asia/Ulaanbaatar", "Asia/Kashgar": "Asia/Urumqi",
	"Atlantic/Faeroe": "Atlantic/Faroe", "Atlantic/Jan_Mayen": "Europe/Oslo",
	"Australia/ACT": "Australia/Sydney", "Australia/Canberra": "Australia/Sydney", "Australia/Currie": "Australia/Hobart",
	"Australia/LHI": "Australia/Lord_Howe", "Australia/NSW": "Australia/Sydney", "Australia/North": "Australia/Darwin",
	"Australia/Queensland": "Australia/Brisbane", "Australia/South": "Australia/Adelaide",
	"Australia/Tasmania": "Australia/Hobart", "Australia/Victoria": "Australia/Melbourne",
	"Australia/West": "Australia/Perth", "Australia/Yancowinna": "Australia/Broken_Hill",
	"Brazil/Acre": "America/Rio_Branco", "Brazil/DeNoronha": "America/Noronha", "Brazil/East": "America/Sao_Paulo", "Brazil/West": "America/Manaus",
	"Canada/Atlantic": "America/Halifax", "Canada/Central": "America/Winnipeg", "Canada/Eastern": "America/Toronto",
	"Canada/Mountain": "America/Edmonton", "Canada/Newfoundland": "America/St_Johns", "Canada/Pacific": "America/Vancouver",
	"Canada/Saskatchewan": "America/Regina", "Canada/Yukon": "America/Whitehorse",
	"Chile/Continental": "America/Santiago", "Chile/EasterIsland": "Pacific/Easter",
	"Cuba": "America/Havana", "Egypt": "Africa/Cairo", "Eire": "Europe/Dublin", "GB": "Europe/London",
	"Europe/Kiev": "Europe/Kyiv", "Europe/Nicosia": "Asia/Nicosia", "Europe/Uzhgorod": "Europe/Kyiv", "Europe/Zaporozhye": "Europe/Kyiv",
	"Hongkong": "Asia/Hong_Kong", "Iceland": "Atlantic/Reykjavik", "Iran": "Asia/Tehran", "Israel": "Asia/Jerusalem",
	"Jamaica": "America/Jamaica", "Japan": "Asia/Tokyo", "Libya": "Africa/Tripoli",
	"Mexico/BajaNorte": "America/Tijuana", "Mexico/BajaSur": "America/Mazatlan", "Mexico/General": "America/Mexico_City",
	"NZ": "Pacific/Auckland", "NZ-CHAT": "Pacific/Chatham", "Navajo": "America/Denver", "PRC": "Asia/Shanghai",
	"Pacific/Enderbury": "Pacific/Kanton", "Pacific/Ponape": "Pacific/Pohnpei", "Pacific/Samoa": "Pacific/Pago_Pago",
	"Pacific/Saipan": "Pacific/Guam", "Pacific/Truk": "Pacific/Chuuk", "Pacific/Yap": "Pacific/Chuuk", "Pacific/Johnston": "Pacific/Honolulu",
	"Poland": "Europe/Warsaw", "Portugal": "Europe/Lisbon", "ROC": "Asia/Taipei", "ROK": "Asia/Seoul",
	"Singapore": "Asia/Singapore", "Turkey": "Europe/Istanbul",
	"US/Alaska": "America/Anchorage", "US/Aleutian": "America/Adak", "US/Arizona": "America/Phoenix", "US/Central": "America/Chicago",
	"US/East-Indiana": "America/Indiana/Indianapolis", "US/Eastern": "America/New_York", "US/Hawaii": "Pacific/Honolulu",
	"US/Indiana-Starke": "America/Indiana/Knox", "US/Michigan": "America/Detroit", "US/Mountain": "America/Denver",
	"US/Pacific": "America/Los_Angeles", "US/Samoa": "Pacific/Pago_Pago", "W-SU": "Europe/Moscow",
}

// unknownZone is how the library says that it does not know.
const unknownZone = "Etc/Unknown"

// canonicalZones replaces aliases, drops what is unknown, sorts.
func canonicalZones(names []string) []string {
	zones := make([]string, 0, len(names))
	for _, name := range names {
		if name == unknownZone {
			continue
		}
		if now, ok := zoneAliases[name]; ok {
			name = now
		}
		zones = append(zones, name)
	}
	slices.Sort(zones)
	return slices.Compact(zones)
}
