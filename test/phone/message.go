package phone

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrMessage means that bytes are not a SIP message.
var ErrMessage = errors.New("phone: not a SIP message")

// maxMessage bounds what is read from a TCP stream, in bytes.
const maxMessage = 64 << 10

// Header is one header field.
type Header struct{ Name, Value string }

// Message is a SIP request (Method is set) or response (Code is set).
type Message struct {
	Method, URI string
	Code        int
	Reason      string
	Headers     []Header
	Body        []byte
}

// compact maps the one-letter names of RFC 3261 section 7.3.3 and RFC 4028.
var compact = map[string]string{
	"v": "Via", "f": "From", "t": "To", "i": "Call-ID", "m": "Contact", "l": "Content-Length",
	"c": "Content-Type", "k": "Supported", "x": "Session-Expires", "s": "Subject", "e": "Content-Encoding",
}

// Parse reads one message. A body longer than Content-Length is cut, a shorter
// one is an error.
func Parse(b []byte) (*Message, error) {
	head, body, found := bytes.Cut(b, []byte("\r\n\r\n"))
	if !found {
		return nil, ErrMessage
	}
	lines := strings.Split(string(head), "\r\n")
	m := &Message{Body: body}
	if err := m.parseStart(lines[0]); err != nil {
		return nil, err
	}
	for _, line := range lines[1:] {
		if n := len(m.Headers); n > 0 && line != "" && (line[0] == ' ' || line[0] == '\t') {
			m.Headers[n-1].Value += " " + strings.TrimSpace(line)
			continue
		}
		name, value, found := strings.Cut(line, ":")
		if !found {
			return nil, fmt.Errorf("%w: header line %q", ErrMessage, line)
		}
		name = strings.TrimSpace(name)
		if long, ok := compact[strings.ToLower(name)]; ok {
			name = long
		}
		m.Headers = append(m.Headers, Header{name, strings.TrimSpace(value)})
	}
	return m, m.cutBody()
}

func (m *Message) parseStart(line string) error {
	if rest, ok := strings.CutPrefix(line, "SIP/2.0 "); ok {
		code, reason, _ := strings.Cut(rest, " ")
		n, err := strconv.Atoi(code)
		if err != nil || n < 100 || n > 699 {
			return fmt.Errorf("%w: status line %q", ErrMessage, line)
		}
		m.Code, m.Reason = n, reason
		return nil
	}
	parts := strings.Fields(line)
	if len(parts) != 3 || parts[2] != "SIP/2.0" {
		return fmt.Errorf("%w: request line %q", ErrMessage, line)
	}
	m.Method, m.URI = parts[0], parts[1]
	return nil
}

func (m *Message) cutBody() error {
	length := m.Get("Content-Length")
	if length == "" {
		return nil
	}
	n, err := strconv.Atoi(length)
	if err != nil || n < 0 || n > len(m.Body) {
		return fmt.Errorf("%w: Content-Length %q of %d bytes", ErrMessage, length, len(m.Body))
	}
	m.Body = m.Body[:n]
	return nil
}

// Bytes is the message as it goes over the wire, with its Content-Length.
func (m *Message) Bytes() []byte {
	var b bytes.Buffer
	if m.Method != "" {
		fmt.Fprintf(&b, "%s %s SIP/2.0\r\n", m.Method, m.URI)
	} else {
		fmt.Fprintf(&b, "SIP/2.0 %d %s\r\n", m.Code, m.Reason)
	}
	for _, h := range m.Headers {
		if !strings.EqualFold(h.Name, "Content-Length") {
			fmt.Fprintf(&b, "%s: %s\r\n", h.Name, h.Value)
		}
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n", len(m.Body))
	b.Write(m.Body)
	return b.Bytes()
}

// Get is the first value of a header, "" without one.
func (m *Message) Get(name string) string {
	for _, h := range m.Headers {
		if strings.EqualFold(h.Name, name) {
			return h.Value
		}
	}
	return ""
}

// All are the values of a header in order.
func (m *Message) All(name string) []string {
	var values []string
	for _, h := range m.Headers {
		if strings.EqualFold(h.Name, name) {
			values = append(values, h.Value)
		}
	}
	return values
}

// Add appends a header.
func (m *Message) Add(name, value string) { m.Headers = append(m.Headers, Header{name, value}) }

// set replaces the first value of a header, or adds it.
func (m *Message) set(name, value string) {
	for i, h := range m.Headers {
		if strings.EqualFold(h.Name, name) {
			m.Headers[i].Value = value
			return
		}
	}
	m.Add(name, value)
}

// cseq is the number and the method of CSeq; 0 where it is broken.
func (m *Message) cseq() (uint32, string) {
	number, method, _ := strings.Cut(m.Get("CSeq"), " ")
	n, err := strconv.ParseUint(number, 10, 32)
	if err != nil {
		return 0, ""
	}
	return uint32(n), strings.TrimSpace(method)
}

// branch identifies the transaction: the branch of the topmost Via.
func (m *Message) branch() string { return param(firstOf(m.Get("Via")), "branch") }

// response answers a request: it copies what RFC 3261 section 8.2.6.2 wants
// copied and puts our tag on To.
func (m *Message) response(code int, reason, tag string) *Message {
	r := &Message{Code: code, Reason: reason}
	for _, h := range m.Headers {
		switch strings.ToLower(h.Name) {
		case "to":
			if tag != "" && param(h.Value, "tag") == "" {
				h.Value += ";tag=" + tag
			}
			r.Headers = append(r.Headers, h)
		case "via", "from", "call-id", "cseq", "record-route":
			r.Headers = append(r.Headers, h)
		}
	}
	return r
}

// firstOf cuts a comma-separated header value after its first element.
func firstOf(value string) string {
	quoted, angled := false, false
	for i, c := range value {
		switch {
		case c == '"':
			quoted = !quoted
		case c == '<' && !quoted:
			angled = true
		case c == '>' && !quoted:
			angled = false
		case c == ',' && !quoted && !angled:
			return strings.TrimSpace(value[:i])
		}
	}
	return value
}

// param is a parameter of a header value, "" where it has none. Parameters of
// a URI in angle brackets are not the header's.
func param(value, name string) string {
	if i := strings.LastIndexByte(value, '>'); i >= 0 {
		value = value[i+1:]
	}
	for i, part := range strings.Split(value, ";") {
		key, v, _ := strings.Cut(strings.TrimSpace(part), "=")
		if i > 0 && strings.EqualFold(key, name) {
			return v
		}
	}
	return ""
}

// uriOf is the URI of a name-addr or addr-spec.
func uriOf(value string) string {
	if strings.HasPrefix(value, `"`) { // a display name may hold anything
		if _, rest, found := strings.Cut(value[1:], `"`); found {
			value = rest
		}
	}
	if _, rest, found := strings.Cut(value, "<"); found {
		uri, _, _ := strings.Cut(rest, ">")
		return uri
	}
	uri, _, _ := strings.Cut(value, ";")
	return strings.TrimSpace(uri)
}

// UserOf is the user part of a SIP or tel URI: the number.
func UserOf(uri string) string {
	scheme, rest, found := strings.Cut(uri, ":")
	if !found {
		return ""
	}
	rest, _, _ = strings.Cut(rest, ";")
	user, _, found := strings.Cut(rest, "@")
	if !found && scheme != "tel" {
		return ""
	}
	return user
}

// hostOf is host:port of a SIP URI, with 5060 where it names no port.
func hostOf(uri string) string {
	_, rest, _ := strings.Cut(uri, ":")
	if _, host, found := strings.Cut(rest, "@"); found {
		rest = host
	}
	rest, _, _ = strings.Cut(rest, ";")
	rest, _, _ = strings.Cut(rest, "?")
	if !strings.Contains(rest, ":") {
		rest += ":5060"
	}
	return rest
}
