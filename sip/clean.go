package sip

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	sipgosip "github.com/emiago/sipgo/sip"
)

// errControl says that a message would have carried a control character in its
// start line or in a header. It is not sent: a CR LF from a name in a lead
// list would become a header of its own.
var errControl = errors.New("sip: control character in a header")

// hasControl says whether s holds a C0 control character or DEL.
func hasControl(s string) bool {
	for i := range len(s) { // what is more than one byte long is none
		if s[i] < ' ' || s[i] == 0x7f {
			return true
		}
	}
	return false
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// clean removes control characters from text that is only told to people.
func clean(s string) string {
	if !hasControl(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if isControl(r) {
			return -1
		}
		return r
	}, s)
}

// checkMessage is the choke point: each message that we write passes it, and
// each that we read before anything in it is used. It refuses control
// characters in the start line and in every header name and value.
func checkMessage(msg sipgosip.Message) error {
	var f fence
	switch m := msg.(type) {
	case *sipgosip.Request:
		f.see(string(m.Method), m.SipVersion)
		m.Recipient.StringWrite(&f)
		return checkHead(&f, m.Headers())
	case *sipgosip.Response:
		m.StartLineWrite(&f)
		return checkHead(&f, m.Headers())
	}
	return fmt.Errorf("sip: message of type %T", msg)
}

// checkHead takes a fence that has seen the start line.
func checkHead(f *fence, headers []sipgosip.Header) error {
	if f.control || f.tab {
		return fmt.Errorf("%w: start line", errControl)
	}
	for _, h := range headers {
		name := h.Name()
		if hasControl(name) || strings.ContainsAny(name, " :") || name == "" {
			return fmt.Errorf("%w: header name", errControl)
		}
		// A tab is linear white space (RFC 3261 section 25.1) and ends no line.
		if via, ok := h.(*sipgosip.ViaHeader); ok {
			f.seeVia(via)
		} else {
			h.StringWrite(f)
		}
		if f.control {
			return fmt.Errorf("%w: %s", errControl, name)
		}
	}
	return nil
}

// fence sees what is written to it, piece by piece, and keeps none of it: to look at
// a message costs no copy of it.
type fence struct{ control, tab bool }

// WriteString implements io.StringWriter.
func (f *fence) WriteString(s string) (int, error) {
	for i := range len(s) { // what is more than one byte long is no control character
		switch c := s[i]; {
		case c == '\t':
			f.tab = true
		case c < ' ' || c == 0x7f:
			f.control = true
		}
	}
	return len(s), nil
}

func (f *fence) see(all ...string) {
	for _, s := range all {
		_, _ = f.WriteString(s)
	}
}

// seeVia sees all that a Via is written of. To be written to the fence it would be put
// together first.
func (f *fence) seeVia(h *sipgosip.ViaHeader) {
	f.see(h.ProtocolName, h.ProtocolVersion, h.Transport, h.Host)
	for _, p := range h.Params {
		f.see(p.K, p.V)
	}
}

// bareControl says whether the head of a raw message (start line and headers)
// holds a control character other than the CR LF of its line ends and tabs.
// It is the second fence, for what the library writes by itself.
func bareControl(raw []byte) bool {
	head, _, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	for i, b := range head {
		switch {
		case b >= ' ' && b != 0x7f, b == '\t':
		case b == '\r':
			if i+1 < len(head) && head[i+1] != '\n' {
				return true
			}
		case b == '\n':
			if i == 0 || head[i-1] != '\r' {
				return true
			}
		default:
			return true
		}
	}
	return false
}
