package sip

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"strconv"
	"strings"
	"time"
)

// splitQuoted cuts s at sep, but not inside a quoted string.
func splitQuoted(s string, sep byte) []string {
	var parts []string
	quoted, start := false, 0
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quoted:
			i++ // a quoted pair
		case s[i] == '"':
			quoted = !quoted
		case s[i] == sep && !quoted:
			parts = append(parts, s[start:i])
			start = i + 1
		}
	}
	return append(parts, s[start:])
}

// parameter reads one ";name=value" part: the name in lower case, the value
// without its quotes.
func parameter(part string) (name, value string) {
	name, value, _ = strings.Cut(part, "=")
	value = strings.TrimSpace(value)
	if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
		value = strings.ReplaceAll(value[1:len(value)-1], `\`, "")
	}
	return strings.ToLower(strings.TrimSpace(name)), value
}

// reason is what Reason headers say (RFC 3326).
type reason struct {
	q850 int    // ITU-T Q.850 cause 1..127; 0 if none
	text string // text of the Q.850 value, else of the first value that has one
}

// parseReason reads the values of all Reason headers of a message. What it
// does not understand it skips.
func parseReason(values []string) reason {
	var r reason
	for _, v := range values {
		for _, one := range splitQuoted(v, ',') {
			parts := splitQuoted(one, ';')
			isQ850 := strings.EqualFold(strings.TrimSpace(parts[0]), "Q.850")
			for _, p := range parts[1:] {
				name, value := parameter(p)
				switch {
				case name == "cause" && isQ850:
					if n, err := strconv.Atoi(value); err == nil && n >= 1 && n <= 127 {
						r.q850 = n
					}
				case name == "text" && (isQ850 || r.text == ""):
					r.text = clean(value)
				}
			}
		}
	}
	return r
}

// sessionExpires is a Session-Expires header (RFC 4028 section 4).
type sessionExpires struct {
	interval  time.Duration // 0 = no header, or one that is not to be believed
	refresher string        // "uac", "uas" or ""
}

// maxSession is the longest interval we take seriously: one day.
const maxSession = 24 * time.Hour

func parseSessionExpires(value string) sessionExpires {
	if value == "" {
		return sessionExpires{}
	}
	parts := splitQuoted(value, ';')
	s := sessionExpires{interval: parseDelta(parts[0])}
	if s.interval == 0 {
		return sessionExpires{}
	}
	for _, p := range parts[1:] {
		if name, v := parameter(p); name == "refresher" {
			if v = strings.ToLower(v); v == "uac" || v == "uas" {
				s.refresher = v
			}
		}
	}
	return s
}

// parseDelta reads delta-seconds; parameters after it are ignored. 0 for
// anything that is not a number from 1 s to one day.
func parseDelta(value string) time.Duration {
	value, _, _ = strings.Cut(value, ";")
	if value = strings.TrimSpace(value); value == "" {
		return 0 // most messages have no such header, and an error is made of more than a number
	}
	n, err := strconv.ParseUint(value, 10, 32)
	if err != nil || n == 0 || n > uint64(maxSession/time.Second) {
		return 0
	}
	return time.Duration(n) * time.Second
}

// parseDTMF reads the digit in the body of an INFO. It knows the two forms in
// use: application/dtmf-relay ("Signal=5\r\nDuration=160") and
// application/dtmf ("5").
func parseDTMF(contentType string, body []byte) (rune, bool) {
	text := string(body)
	switch contentType {
	case "application/dtmf-relay":
		found := false
		for line := range strings.SplitSeq(text, "\n") {
			name, value, ok := strings.Cut(line, "=")
			if ok && strings.EqualFold(strings.TrimSpace(name), "signal") {
				text, found = value, true
				break
			}
		}
		if !found {
			return 0, false
		}
	case "application/dtmf":
	default:
		return 0, false
	}
	return digit(strings.ToUpper(strings.TrimSpace(text)))
}

// digit takes one DTMF digit, also as an event number of RFC 4733 (10 is the
// star, 11 the hash, 12 to 15 are A to D).
func digit(s string) (rune, bool) {
	if len(s) == 1 && strings.Contains("0123456789*#ABCD", s) {
		return rune(s[0]), true
	}
	if n, err := strconv.Atoi(s); err == nil && n >= 10 && n <= 15 && len(s) == 2 {
		return rune("*#ABCD"[n-10]), true
	}
	return 0, false
}

// mediaType is a Content-Type without its parameters, in lower case.
func mediaType(value string) string {
	value, _, _ = strings.Cut(value, ";")
	return strings.ToLower(strings.TrimSpace(value))
}

// sessionBody finds the SDP in a body: all of it, or that part of a multipart
// body (gateways put ISUP beside the SDP, RFC 3204). Nil if there is none.
func sessionBody(contentType string, body []byte) []byte {
	if len(body) == 0 {
		return nil
	}
	switch kind := mediaType(contentType); {
	case kind == "application/sdp" || kind == "":
		return body
	case strings.HasPrefix(kind, "multipart/"):
		_, params, err := mime.ParseMediaType(contentType)
		if err != nil || params["boundary"] == "" {
			return nil
		}
		return sdpPart(multipart.NewReader(bytes.NewReader(body), params["boundary"]))
	}
	return nil
}

func sdpPart(r *multipart.Reader) []byte {
	for range 8 { // no honest message has more parts
		part, err := r.NextRawPart()
		if err != nil {
			return nil
		}
		if mediaType(part.Header.Get("Content-Type")) == "application/sdp" {
			b, err := io.ReadAll(io.LimitReader(part, 64<<10))
			if err != nil || len(b) == 0 {
				return nil
			}
			return b
		}
	}
	return nil
}
