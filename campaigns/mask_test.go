package campaigns

import "testing"

func TestMaskNumber(t *testing.T) {
	for number, want := range map[string]string{
		"": "", "+48225550123": "+4822***0123", "+12125550123": "+1212***0123", "+4712345678": "***78",
		"+998901234567": "+9989***4567", "+1234": "***34", "112": "***",
	} {
		if got := MaskNumber(number); got != want {
			t.Errorf("MaskNumber(%q) = %q, want %q", number, got, want)
		}
	}
}

func TestMaskIn(t *testing.T) {
	const number, masked = "+442079460123", "+4420***0123"
	for text, want := range map[string]string{
		"":                                     "",
		"Not Found":                            "Not Found",
		"404 Not Found":                        "404 Not Found",
		"+442079460123 is not known":           masked + " is not known",
		"no route to sip:+442079460123@a.test": "no route to sip:" + masked + "@a.test",
		"sip:%2B442079460123@a.test":           "sip:" + masked + "@a.test",
		"call to 00442079460123 rejected":      "call to " + masked + " rejected",
		"+44 20 7946 0123":                     masked,
		"+44 (0)20 7946-0123":                  masked,
		"(020) 7946 0123.":                     "(" + masked + ".",
		"+44%20207946%200123":                  masked,
		"020.7946.0123 and 020-7946-0123":      masked + " and " + masked,
		"9460123":                              masked, // even of a subscriber's number alone
		"call +442079460124 instead":           "call +442079460124 instead",
		"v=analytics1; tel=+18005550199":       "v=analytics1; tel=+18005550199",
	} {
		if got := MaskIn(text, number); got != want {
			t.Errorf("MaskIn(%q) = %q, want %q", text, got, want)
		}
	}
	if got := MaskIn("call 112 now", ""); got != "call 112 now" {
		t.Errorf("without a number: %q", got)
	}
}
