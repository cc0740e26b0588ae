package sip

import (
	"strings"
	"testing"
	"time"
)

func TestOverloadControl(t *testing.T) {
	n, f := newNear(t), newFarEnd(t)
	inv := n.invite(f, func(i *Invitation) { i.OverloadControl = true })
	via := header(inv, "Via")
	if !strings.HasSuffix(via, `;oc;oc-algo="loss"`) {
		t.Fatalf("Via = %s", via)
	}
	asks := func(with string) string {
		return strings.Replace(inv, `;oc;oc-algo="loss"`, with, 1)
	}
	f.answer(asks(`;oc=20;oc-algo="loss";oc-validity=1500;oc-seq=1282321615.782`), "100 Trying", "", "", "")
	if got := event[Overload](n); got.Leg != "leg" || got.Loss != 20 || got.Validity != 1500*time.Millisecond || got.Sequence != 1282321615.782 {
		t.Errorf("got %+v", got)
	}
	event[Progress](n)
	f.answer(asks(";oc=0"), "180 Ringing", "T", "", "")
	if got := event[Overload](n); got.Loss != 0 || got.Validity != defaultValidity {
		t.Errorf("got %+v", got)
	}
	event[Progress](n)
	for _, nonsense := range []string{";oc", ";oc=x", ";oc=101", ";oc=-1", `;oc=5;oc-algo="rate"`, ";oc=5;oc-validity=-1", ";oc=5;oc-seq=x"} {
		f.answer(asks(nonsense), "183 Session Progress", "T", "", "")
		event[Progress](n) // and nothing before it
	}
	f.answer(asks(";oc=100;oc-validity=0"), "503 Service Unavailable", "T", "", "")
	if got := event[Overload](n); got.Loss != 100 || got.Validity != 0 {
		t.Errorf("got %+v", got)
	}
	f.expect("ACK")
	event[Ended](n)
}

// Who was not asked may not tell us.
func TestOverloadControlIsOffered(t *testing.T) {
	n, f := newNear(t), newFarEnd(t)
	inv := n.invite(f)
	if via := header(inv, "Via"); strings.Contains(via, "oc") && strings.Contains(via, ";oc") {
		t.Errorf("Via = %s", via)
	}
	f.answer(strings.Replace(inv, ";rport", ";rport;oc=50", 1), "180 Ringing", "T", "", "")
	event[Progress](n)
}
