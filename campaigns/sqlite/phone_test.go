package sqlite

import (
	"testing"

	"pgregory.net/rapid"
)

// What is kept of a number is the same in Go and in SQL, and gives the number back.
func TestPhone(t *testing.T) {
	s := openTest(t)
	same := func(t interface{ Fatalf(string, ...any) }, number string) {
		kept := phone(number)
		var back e164
		if err := back.Scan(kept); err != nil || string(back) != number {
			t.Fatalf("%q is kept as %v and read as %q, %v", number, kept, back, err)
		}
		var inSQL any
		err := s.read.get(`SELECT `+phoneOf("n")+` FROM (SELECT ? AS n)`, args(number), &inSQL)
		if err != nil || inSQL != kept {
			t.Fatalf("%q is kept as %v (%T), by SQL as %v (%T), %v", number, kept, kept, inSQL, inSQL, err)
		}
	}
	for _, number := range []string{"", "+", "+0", "+1", "48225550123", "+48225550123", "+048225550123", "+999999999999999999", "+1000000000000000000",
		"+48Ada", "+48 22", "+-1", "++1", "+12+3", "1", "+١٢٣", "+123\n", "sip:a@b"} {
		same(t, number)
	}
	rapid.Check(t, func(r *rapid.T) {
		same(r, rapid.OneOf(rapid.StringMatching(`\+[1-9][0-9]{0,20}`), rapid.StringMatching(`\+?[-+0-9a]{0,20}`)).Draw(r, "number"))
	})
}
