package trunk

import (
	"strings"

	"github.com/outpace-dialer/outpace/sip"
)

// Row is one line of the disposition table. A row fits an end when all the
// keys that it has fit: the SIP status lies in Code..CodeTo, the Q.850 cause
// equals Q850, the text contains Text (lower case). A key that is zero is not
// asked.
type Row struct {
	Code    int // first SIP status
	CodeTo  int // last SIP status; 0 means Code alone
	Q850    int // ITU-T Q.850 cause of the Reason header (RFC 3326, RFC 6432)
	Text    string
	Result  sip.Result
	Attempt bool   // the call reached the called party's network: it counts against the lead
	Note    string // why, or what the operator of the system should do
}

// Table says what the end of a call by the far side means. The first row that
// fits wins, so the order is the rule:
//
//  1. rows with a text, and SIP codes that no cause may soften;
//  2. Q.850 causes, which beat the SIP code: gateways map many causes to one
//     code (RFC 3398 section 8.2.6.1), and the cause is what the network said;
//  3. plain SIP codes.
//
// Causes 16, 31 and 127 are left out: they say that the call was cleared and
// not why, so the SIP code decides.
var Table = []Row{
	{Code: 200, CodeTo: 299, Result: sip.ResultAnswered, Attempt: true, Note: "the call was up; how it ended changes nothing"},
	{Code: 603, Text: "network blocked", Result: sip.ResultBlocked, Attempt: true, Note: "603+: an analytics engine blocked the call; rest this caller ID"},
	{Code: 603, Text: "v=analytics", Result: sip.ResultBlocked, Attempt: true, Note: "603+: the Reason text carries the redress address"},
	{Code: 403, Text: "stale date", Result: sip.ResultIdentity, Note: "RFC 8224 section 6.2.4: check our clock"},
	{Code: 607, Result: sip.ResultUnwanted, Attempt: true, Note: "RFC 8197: the person does not want us; suppress the lead"},
	{Code: 608, Result: sip.ResultBlocked, Attempt: true, Note: "RFC 8688: an intermediary blocked the call; rest this caller ID"},
	{Code: 300, CodeTo: 399, Result: sip.ResultRedirected, Note: "never followed: a redirect can lead to premium numbers"},
	{Code: 401, Result: sip.ResultTrunkRejected, Note: "the carrier refuses our credentials"},
	{Code: 407, Result: sip.ResultTrunkRejected, Note: "the carrier refuses our credentials"},
	{Code: 403, Q850: 21, Result: sip.ResultTrunkRejected, Note: "RFC 3398 maps cause 21 to 403: here the carrier rejects, not the person"},
	{Code: 428, Result: sip.ResultIdentity, Note: "RFC 8224: the carrier wants a signed identity"},
	{Code: 436, CodeTo: 438, Result: sip.ResultIdentity, Note: "RFC 8224: the signature or its certificate is bad"},

	{Q850: 1, Result: sip.ResultInvalidNumber, Attempt: true, Note: "unallocated number"},
	{Q850: 2, Result: sip.ResultCongestion, Note: "no route to the transit network"},
	{Q850: 3, Result: sip.ResultInvalidNumber, Attempt: true, Note: "no route to the destination; RFC 3398 maps it to 404 like cause 1"},
	{Q850: 17, Result: sip.ResultBusy, Attempt: true, Note: "user busy"},
	{Q850: 18, Result: sip.ResultNoAnswer, Attempt: true, Note: "no user responding"},
	{Q850: 19, Result: sip.ResultNoAnswer, Attempt: true, Note: "alerted, no answer"},
	{Q850: 20, Result: sip.ResultAbsent, Attempt: true, Note: "subscriber absent: phone off or out of coverage"},
	{Q850: 21, Result: sip.ResultDeclined, Attempt: true, Note: "call rejected"},
	{Q850: 22, Result: sip.ResultNumberChanged, Attempt: true, Note: "number changed"},
	{Q850: 23, Result: sip.ResultRedirected, Note: "redirection to a new destination"},
	{Q850: 27, Result: sip.ResultOutOfOrder, Attempt: true, Note: "destination out of order"},
	{Q850: 28, Result: sip.ResultBadFormat, Note: "invalid number format: look at the trunk's number_format"},
	{Q850: 34, Result: sip.ResultCongestion, Note: "no circuit available"},
	{Q850: 38, Result: sip.ResultCongestion, Note: "network out of order"},
	{Q850: 39, Result: sip.ResultCongestion, Note: "permanent frame connection out of service"},
	{Q850: 40, Result: sip.ResultCongestion, Note: "permanent frame connection operational"},
	{Q850: 41, Result: sip.ResultCongestion, Note: "temporary failure"},
	{Q850: 42, Result: sip.ResultCongestion, Note: "switching equipment congestion"},
	{Q850: 43, Result: sip.ResultCongestion, Note: "access information discarded"},
	{Q850: 44, Result: sip.ResultCongestion, Note: "requested circuit not available"},
	{Q850: 47, Result: sip.ResultCongestion, Note: "resource unavailable"},
	{Q850: 50, Result: sip.ResultTrunkRejected, Note: "facility not subscribed"},
	{Q850: 55, Result: sip.ResultTrunkRejected, Note: "incoming calls barred within the closed user group"},
	{Q850: 57, Result: sip.ResultTrunkRejected, Note: "bearer capability not authorised"},
	{Q850: 58, Result: sip.ResultCongestion, Note: "bearer capability not presently available"},
	{Q850: 65, Result: sip.ResultMediaMismatch, Note: "bearer capability not implemented: look at the codecs"},
	{Q850: 88, Result: sip.ResultMediaMismatch, Note: "incompatible destination: look at the codecs"},
	{Q850: 102, Result: sip.ResultCongestion, Note: "recovery on timer expiry"},

	{Code: 402, Result: sip.ResultTrunkRejected, Note: "payment required: the carrier account is empty"},
	{Code: 403, Result: sip.ResultTrunkRejected, Note: "forbidden: caller ID, destination or account not allowed"},
	{Code: 404, Result: sip.ResultInvalidNumber, Attempt: true, Note: "carriers misuse a plain 404: two of them before a lead is bad"},
	{Code: 408, Result: sip.ResultNoAnswer, Attempt: true, Note: "the far end gave up waiting"},
	{Code: 410, Result: sip.ResultNumberChanged, Attempt: true, Note: "gone"},
	{Code: 415, Result: sip.ResultMediaMismatch, Note: "unsupported body"},
	{Code: 416, Result: sip.ResultBadFormat, Note: "unsupported URI scheme"},
	{Code: 421, Result: sip.ResultProtocolFailure, Attempt: true, Note: "the carrier insists on 100rel, which we do not offer"},
	{Code: 422, Result: sip.ResultProtocolFailure, Attempt: true, Note: "RFC 4028: the agent sends again with Min-SE; seen here only when that failed"},
	{Code: 433, Result: sip.ResultTrunkRejected, Note: "RFC 5079: anonymity disallowed; the carrier wants a caller ID"},
	{Code: 480, Result: sip.ResultNoAnswer, Attempt: true, Note: "temporarily unavailable"},
	{Code: 482, CodeTo: 483, Result: sip.ResultCongestion, Note: "routing loop in the carrier"},
	{Code: 484, Result: sip.ResultBadFormat, Note: "address incomplete: look at the trunk's number_format"},
	{Code: 485, Result: sip.ResultInvalidNumber, Attempt: true, Note: "ambiguous"},
	{Code: 486, Result: sip.ResultBusy, Attempt: true, Note: "busy here"},
	{Code: 487, Result: sip.ResultNoAnswer, Attempt: true, Note: "without a CANCEL of ours: the far network gave up"},
	{Code: 488, Result: sip.ResultMediaMismatch, Note: "not acceptable here: look at the codecs"},
	{Code: 500, Result: sip.ResultCongestion, Note: "server internal error"},
	{Code: 502, Result: sip.ResultOutOfOrder, Attempt: true, Note: "RFC 3398 maps cause 27 to 502"},
	{Code: 503, CodeTo: 504, Result: sip.ResultCongestion, Note: "service unavailable, server time-out; Retry-After pauses the target"},
	{Code: 580, Result: sip.ResultCongestion, Note: "precondition failure: no resources"},
	{Code: 600, Result: sip.ResultBusy, Attempt: true, Note: "busy everywhere"},
	{Code: 603, Result: sip.ResultDeclined, Attempt: true, Note: "decline without an analytics text: a person or a phone said no"},
	{Code: 604, Result: sip.ResultInvalidNumber, Attempt: true, Note: "does not exist anywhere"},
	{Code: 606, Result: sip.ResultMediaMismatch, Note: "not acceptable: look at the codecs"},
}

// ends are the results that no row gives: the agent or the engine sees them.
var ends = map[sip.Result]bool{
	sip.ResultNone:            false,
	sip.ResultLateAnswer:      true,  // a person may have been there
	sip.ResultFalseAnswer:     true,  // the lead was billed as answered
	sip.ResultTrunkDown:       false, // nobody heard us
	sip.ResultProtocolFailure: true,  // unknown: err on the called person's side
}

// Classify gives the meaning of an end by the far side: code is the SIP
// status, q850 the cause of its Reason header (0 if none), text the reason
// phrase or the Reason text. What the table does not know is
// ResultProtocolFailure. It needs no lock: the agent may call it anywhere.
func Classify(code, q850 int, text string) sip.Result {
	text = strings.ToLower(text)
	for i := range Table {
		if Table[i].fits(code, q850, text) {
			return Table[i].Result
		}
	}
	return sip.ResultProtocolFailure
}

// CountsAsAttempt says whether an end with this result counts against the
// lead's caps: only if it reached the called party's network. Results that
// are not in the table count, to the good of the called person.
func CountsAsAttempt(r sip.Result) bool {
	if counts, known := ends[r]; known {
		return counts
	}
	for i := range Table {
		if Table[i].Result == r {
			return Table[i].Attempt
		}
	}
	return true
}

func (r *Row) fits(code, q850 int, text string) bool {
	if r.Code != 0 && (code < r.Code || code > max(r.Code, r.CodeTo)) {
		return false
	}
	if r.Q850 != 0 && r.Q850 != q850 {
		return false
	}
	return strings.Contains(text, r.Text)
}
