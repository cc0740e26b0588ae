package sip

import (
	"slices"
	"strconv"
	"strings"
	"time"

	sipgosip "github.com/emiago/sipgo/sip"
)

// Overload is what a far end that takes part in overload control asks for
// (RFC 7339, loss-based): so many percent of the requests that would go to it
// shall not. It comes with responses to an INVITE whose Invitation offers that.
type Overload struct {
	Leg      LegID
	Loss     int           // percent, 0..100
	Validity time.Duration // for how long; 0 ends the control
	Sequence float64       // rises with each change; 0 where none was given
	At       time.Time
}

func (Overload) event() {}

// defaultValidity holds where a response does not say for how long (RFC 7339
// section 4.3).
const defaultValidity = 500 * time.Millisecond

// offerOverload says in a Via that we obey overload control (section 4.1).
func offerOverload(via *sipgosip.ViaHeader) {
	via.Params.Add("oc", "")
	via.Params.Add("oc-algo", `"loss"`)
}

// readOverload reads our own Via of a response; nil where it asks for nothing
// that we can obey.
func readOverload(via *sipgosip.ViaHeader) *Overload {
	if !slices.ContainsFunc(via.Params, func(p sipgosip.HeaderKV) bool { return strings.TrimLeft(p.K, ";") == "oc" }) {
		return nil // nearly always
	}
	params := quotedParams(via)
	value, ok := params["oc"]
	loss, err := strconv.Atoi(value)
	if !ok || err != nil || loss < 0 || loss > 100 {
		return nil
	}
	if algo, ok := params["oc-algo"]; ok && !strings.EqualFold(strings.Trim(algo, `"`), "loss") {
		return nil
	}
	o := &Overload{Loss: loss, Validity: defaultValidity}
	if text, ok := params["oc-validity"]; ok {
		ms, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return nil
		}
		o.Validity = min(time.Duration(ms)*time.Millisecond, maxSession)
	}
	if text, ok := params["oc-seq"]; ok {
		if o.Sequence, err = strconv.ParseFloat(text, 64); err != nil || o.Sequence < 0 {
			return nil
		}
	}
	return o
}

// quotedParams are the parameters of a Via by name. The library takes what
// follows a quoted value for a part of the names beside it.
func quotedParams(via *sipgosip.ViaHeader) map[string]string {
	all := map[string]string{}
	for _, p := range via.Params {
		name, _, _ := strings.Cut(strings.TrimLeft(p.K, ";"), "=")
		all[strings.ToLower(name)] = p.V
	}
	return all
}
