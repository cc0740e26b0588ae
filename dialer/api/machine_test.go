package api

import (
	"strings"
	"testing"

	"github.com/outpace-dialer/outpace/dialer"
)

// That a machine answered changes what the law counts: it is written down who said so. Where
// it cannot be said, a program learns why.
func TestMachineAnswered(t *testing.T) {
	w := newWorld(t)
	w.as(t, "olga", "POST", "/api/v1/operator/machine", map[string]string{"attempt": "a1"}).want(t, noContent)
	if log := w.audited(t, "call.machine"); len(log) != 1 || log[0].By != "olga" {
		t.Errorf("audited %+v", log)
	}
	for code, err := range map[string]error{"wrong_state": dialer.ErrState, "no_call": dialer.ErrNoCall, "not_yours": dialer.ErrNotYours} {
		w.engine.fail(err)
		if got := w.as(t, "olga", "POST", "/api/v1/operator/machine", nil).want(t, 409); !strings.Contains(got.body, `"code":"`+code+`"`) {
			t.Errorf("%v: %s", err, got.body)
		}
	}
	if log := w.audited(t, "call.machine"); len(log) != 1 {
		t.Errorf("what was refused is in the audit log: %+v", log)
	}
	w.as(t, "olga", "POST", "/api/v1/operator/machine", map[string]string{"number": "1"}).want(t, 422)
}
