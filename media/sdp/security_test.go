package sdp

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// TestS11Descriptions (S-11): descriptions that would have us send to ourselves, to
// our network or to many, or that are made to cost time: none gives an address to
// send to, and none takes long.
func TestS11Descriptions(t *testing.T) {
	at := func(address string) []byte {
		kind := "IP4"
		if strings.Contains(address, ":") {
			kind = "IP6"
		}
		return description("m=audio 4000 RTP/AVP 0", "c=IN "+kind+" "+address)
	}
	many := func(n int, line string) []byte {
		return description(strings.Split(strings.Repeat(line+"\n", n), "\n")[:n]...)
	}
	hostile := map[string][]byte{
		"1 MB of attributes": many(70_000, "a=x:1234567890"),
		"1 MB in one line":   description("m=audio 4000 RTP/AVP 0", "a="+strings.Repeat("x", 1<<20)),
		"10,000 m= lines":    many(10_000, "m=audio 4000 RTP/AVP 0"),
		"10,000 formats":     description("m=audio 4000 RTP/AVP" + strings.Repeat(" 0", 10_000)),
		"port 0":             description("m=audio 0 RTP/AVP 0"),
		"port 70000":         description("m=audio 70000 RTP/AVP 0"),
		"port -1":            description("m=audio -1 RTP/AVP 0"),
		"port 4000/2":        description("m=audio 4000/99999999999999999999 RTP/AVP 0"),
		"own port":           []byte("v=0\r\no=- 7 3 IN IP4 203.0.113.1\r\ns=-\r\nc=IN IP4 203.0.113.1\r\nt=0 0\r\nm=audio 20000 RTP/AVP 0\r\n"),
		"a name":             at("localhost"),
		"a zone":             at("fe80::1%lo"),
		"no c=":              []byte("v=0\r\no=- 7 3 IN IP4 198.51.100.7\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"),
		"NULs":               []byte(strings.Repeat("\x00", 1000)),
		"nothing":            nil,
	}
	for _, a := range []string{
		"127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "0.0.0.0", "::", "0.1.2.3", "10.0.0.1", "172.16.0.1", "192.168.0.1", "fd00::1",
		"169.254.169.254", "fe80::1", "100.64.0.1", "224.0.0.1", "239.255.255.250/127", "ff02::1", "255.255.255.255", "240.0.0.1", "64:ff9b::a9fe:a9fe",
		"192.0.0.192", "fec0::1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1",
	} {
		hostile["c= "+a] = at(a)
	}
	guard := Guard{Own: func(a netip.AddrPort) bool { return a == here }}
	for name, b := range hostile {
		began := time.Now()
		to, err := where(b, guard)
		took := time.Since(began)
		if err == nil {
			t.Errorf("%s: audio would go to %s", name, to)
		}
		if took > slow {
			t.Errorf("%s: took %s", name, took)
		}
	}

	// What is odd and harmless is read as far as it makes sense.
	for name, lines := range map[string][]string{
		"negative ptime":  {"m=audio 4000 RTP/AVP 0", "a=ptime:-20"},
		"ptime of a year": {"m=audio 4000 RTP/AVP 0", "a=ptime:31536000000"},
		"two audio lines": {"m=audio 4000 RTP/AVP 0", "m=audio 4002 RTP/AVP 8"},
	} {
		if to, err := where(description(lines...), guard); err != nil || to.String() != "198.51.100.7:4000" {
			t.Errorf("%s: to %s, %v", name, to, err)
		}
	}
}

// slow is 50 ms (S-9) and far beyond what a description takes, with the race detector on a busy machine.
const slow = time.Second

// where is the address that audio would go to.
func where(b []byte, guard Guard) (netip.AddrPort, error) {
	offer, err := Parse(b)
	if err != nil {
		return netip.AddrPort{}, err
	}
	_, agreed, err := Answer(offer, Offer(9, here, both))
	if err != nil {
		return netip.AddrPort{}, err
	}
	if !agreed.Sending {
		return agreed.Remote, fmt.Errorf("on hold")
	}
	if err := guard.Check(agreed.Remote); err != nil {
		return agreed.Remote, err
	}
	return agreed.Remote, guard.Check(agreed.RemoteRTCP)
}
