package campaigns

import "testing"

func TestMayTransferTo(t *testing.T) {
	c := Campaign{TransferNumbers: []string{"+12025559000", "+4822555*"}}
	for number, want := range map[string]bool{
		"+12025559000": true, "+48225550100": true, "+4822555": true,
		"+12025559001": false, "+120255590001": false, "+48225560100": false, "12025559000": false, "": false,
		"911": false, "+4822555*": false, "+48225550100;ext=1": false,
	} {
		if got := c.MayTransferTo(number); got != want {
			t.Errorf("%q: %v, want %v", number, got, want)
		}
	}
	if (Campaign{}).MayTransferTo("+12025559000") {
		t.Error("a number is allowed where none is named")
	}
}
