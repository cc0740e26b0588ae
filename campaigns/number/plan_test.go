package number

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/nyaruka/phonenumbers"
	"google.golang.org/protobuf/proto"
)

// tries is how many numbers of each region are compared; hundredfold by make fault.
const tries = 10

// Numbers of every region, true and spoilt ones, are read and described as the
// library does.
func TestPlansAgree(t *testing.T) {
	random, each := rand.New(rand.NewPCG(7, 7)), tries
	if os.Getenv("OUTPACE_FAULTS") != "" {
		each *= 100
	}
	kinds := []phonenumbers.PhoneNumberType{phonenumbers.FIXED_LINE, phonenumbers.MOBILE, phonenumbers.TOLL_FREE, phonenumbers.PREMIUM_RATE,
		phonenumbers.SHARED_COST, phonenumbers.VOIP, phonenumbers.PERSONAL_NUMBER, phonenumbers.PAGER, phonenumbers.UAN, phonenumbers.VOICEMAIL}
	read, plainly := 0, 0
	for region := range phonenumbers.GetSupportedRegions() {
		for i := range each {
			n := phonenumbers.GetExampleNumberForType(region, kinds[i%len(kinds)])
			if n.GetNationalNumber() == 0 {
				n = phonenumbers.GetExampleNumber(region)
			}
			spoil(random, n)
			agree(t, n)
			for _, text := range spellings(random, n) {
				home := []string{region, "PL", ""}[random.IntN(3)]
				got, ok := plain(text, home)
				read++
				if !ok {
					continue
				}
				plainly++
				want, err := phonenumbers.Parse(text, home)
				if err != nil || !proto.Equal(got, want) {
					t.Fatalf("%q in %q is read as %v; the library says %v, %v", text, home, got, want, err)
				}
				if home != "" && phonenumbers.IsEmergencyNumber(text, home) {
					t.Fatalf("%q calls for help in %s", text, home)
				}
			}
		}
	}
	if plainly < read/4 {
		t.Errorf("only %d of %d were written plainly", plainly, read)
	}
}

// agree compares region and type.
func agree(t *testing.T, n *phonenumbers.PhoneNumber) {
	t.Helper()
	region, kind := describe(n)
	if want := phonenumbers.GetRegionCodeForNumber(n); region != want {
		t.Fatalf("%v is of %q, the library says %q", n, region, want)
	}
	if want := phonenumbers.GetNumberType(n); kind != want {
		t.Fatalf("%v is a %v, the library says %v", n, kind, want)
	}
}

// spoil changes some of the last digits, or how many there are.
func spoil(random *rand.Rand, n *phonenumbers.PhoneNumber) {
	value := n.GetNationalNumber()
	for range random.IntN(8) {
		power := uint64(1)
		for range random.IntN(10) {
			power *= 10
		}
		value = value/(power*10)*(power*10) + value%power + uint64(random.IntN(10))*power
	}
	switch random.IntN(12) {
	case 0:
		value /= 10
	case 1:
		value *= 10
	}
	n.NationalNumber = &value
}

// spellings are ways to write a number.
func spellings(random *rand.Rand, n *phonenumbers.PhoneNumber) []string {
	national := phonenumbers.GetNationalSignificantNumber(n)
	cut := random.IntN(len(national))
	return []string{
		phonenumbers.Format(n, phonenumbers.E164), phonenumbers.Format(n, phonenumbers.INTERNATIONAL), phonenumbers.Format(n, phonenumbers.NATIONAL),
		national, fmt.Sprintf("%d%s", n.GetCountryCode(), national), fmt.Sprintf("+%d (%s) %s", n.GetCountryCode(), national[:cut], national[cut:]),
		fmt.Sprintf("(%s) - %s.", national[:cut], national[cut:]), fmt.Sprintf("+%d", random.Uint64N(1_000_000_000_000_000)),
	}
}
