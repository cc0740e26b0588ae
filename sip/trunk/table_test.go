package trunk

import (
	"fmt"
	"testing"

	"github.com/outpace-dialer/outpace/sip"
)

// Every row of the table is reached by its own keys: no row hides behind an
// earlier one.
func TestEveryRowIsReached(t *testing.T) {
	for i, row := range Table {
		t.Run(fmt.Sprintf("%d_%d_%d", i, row.Code, row.Q850), func(t *testing.T) {
			for code := row.Code; code <= max(row.Code, row.CodeTo); code++ {
				if got := Classify(code, row.Q850, row.Text); got != row.Result {
					t.Errorf("Classify(%d, %d, %q) = %q, want %q", code, row.Q850, row.Text, got, row.Result)
				}
			}
			if got := CountsAsAttempt(row.Result); got != row.Attempt {
				t.Errorf("CountsAsAttempt(%q) = %v, but its row %d says %v", row.Result, got, i, row.Attempt)
			}
			if row.Note == "" || row.Code == 0 && row.Q850 == 0 {
				t.Errorf("row %d has no note or no key", i)
			}
		})
	}
}

func TestClassify(t *testing.T) {
	tests := []struct {
		code, q850 int
		text       string
		want       sip.Result
	}{
		// One line per row of the disposition table.
		{486, 0, "Busy Here", sip.ResultBusy},
		{600, 17, "", sip.ResultBusy},
		{480, 0, "Temporarily Unavailable", sip.ResultNoAnswer},
		{480, 18, "", sip.ResultNoAnswer},
		{408, 0, "", sip.ResultNoAnswer},
		{487, 19, "", sip.ResultNoAnswer},
		{487, 0, "", sip.ResultNoAnswer},
		{480, 20, "", sip.ResultAbsent},
		{404, 0, "", sip.ResultInvalidNumber},
		{604, 1, "", sip.ResultInvalidNumber},
		{485, 0, "", sip.ResultInvalidNumber},
		{410, 22, "", sip.ResultNumberChanged},
		{484, 28, "", sip.ResultBadFormat},
		{416, 0, "", sip.ResultBadFormat},
		{502, 27, "", sip.ResultOutOfOrder},
		{502, 0, "", sip.ResultOutOfOrder},
		{603, 21, "Decline", sip.ResultDeclined},
		{603, 0, "Network Blocked", sip.ResultBlocked},
		{603, 21, "v=analytics1;url=https://example.com", sip.ResultBlocked},
		{608, 21, "Rejected", sip.ResultBlocked},
		{607, 21, "Unwanted", sip.ResultUnwanted},
		{403, 21, "", sip.ResultTrunkRejected},
		{403, 57, "", sip.ResultTrunkRejected},
		{401, 0, "", sip.ResultTrunkRejected},
		{407, 0, "", sip.ResultTrunkRejected},
		{428, 0, "", sip.ResultIdentity},
		{437, 0, "", sip.ResultIdentity},
		{403, 0, "Stale Date", sip.ResultIdentity},
		{503, 0, "", sip.ResultCongestion},
		{500, 41, "", sip.ResultCongestion},
		{504, 0, "", sip.ResultCongestion},
		{488, 65, "", sip.ResultMediaMismatch},
		{606, 88, "", sip.ResultMediaMismatch},
		{302, 23, "", sip.ResultRedirected},
		{399, 17, "", sip.ResultRedirected},

		{200, 0, "", sip.ResultAnswered}, // BYE of a call that was up
		{200, 38, "", sip.ResultAnswered},

		// The cause beats the code.
		{503, 17, "", sip.ResultBusy},
		{503, 1, "", sip.ResultInvalidNumber},
		{480, 1, "", sip.ResultInvalidNumber},
		{486, 34, "", sip.ResultCongestion},
		{0, 17, "", sip.ResultBusy}, // BYE or CANCEL of the far end with a Reason
		// Causes that say nothing, and unknown ones, leave it to the code.
		{486, 16, "", sip.ResultBusy},
		{480, 31, "", sip.ResultNoAnswer},
		{404, 127, "", sip.ResultInvalidNumber},
		{404, 9999, "", sip.ResultInvalidNumber},
		// Nobody knows.
		{499, 0, "", sip.ResultProtocolFailure},
		{0, 0, "", sip.ResultProtocolFailure},
		{-1, -1, "network blocked", sip.ResultProtocolFailure},
	}
	for _, tt := range tests {
		if got := Classify(tt.code, tt.q850, tt.text); got != tt.want {
			t.Errorf("Classify(%d, %d, %q) = %q, want %q", tt.code, tt.q850, tt.text, got, tt.want)
		}
	}
}

func TestCountsAsAttempt(t *testing.T) {
	counts := []sip.Result{
		sip.ResultAnswered, sip.ResultBusy, sip.ResultNoAnswer, sip.ResultAbsent, sip.ResultInvalidNumber,
		sip.ResultNumberChanged, sip.ResultOutOfOrder, sip.ResultDeclined, sip.ResultBlocked, sip.ResultUnwanted,
		sip.ResultLateAnswer, sip.ResultFalseAnswer, sip.ResultProtocolFailure, "something new",
	}
	free := []sip.Result{
		sip.ResultNone, sip.ResultTrunkRejected, sip.ResultIdentity, sip.ResultCongestion, sip.ResultMediaMismatch,
		sip.ResultRedirected, sip.ResultTrunkDown, sip.ResultBadFormat,
	}
	for _, r := range counts {
		if !CountsAsAttempt(r) {
			t.Errorf("%q does not count, want it to", r)
		}
	}
	for _, r := range free {
		if CountsAsAttempt(r) {
			t.Errorf("%q counts, want it not to: it never reached the called party's network", r)
		}
	}
}

// 421 and 422 end as a protocol failure, which the table does not know by
// itself: both ways of asking must agree.
func TestProtocolFailureAgrees(t *testing.T) {
	for _, row := range Table {
		if row.Result == sip.ResultProtocolFailure && row.Attempt != ends[row.Result] {
			t.Errorf("row %d disagrees with ends", row.Code)
		}
	}
}

func FuzzClassify(f *testing.F) {
	f.Add(603, 21, "v=analytics1")
	f.Add(200, 16, "\x00ÿ")
	f.Fuzz(func(t *testing.T, code, q850 int, text string) {
		if Classify(code, q850, text) == sip.ResultNone {
			t.Errorf("Classify(%d, %d, %q) says nothing", code, q850, text)
		}
	})
}
