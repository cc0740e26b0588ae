package sdp

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/outpace-dialer/outpace/media"
)

func description(lines ...string) []byte {
	head := []string{"v=0", "o=- 7 3 IN IP4 198.51.100.7", "s=-", "c=IN IP4 198.51.100.7", "t=0 0"}
	return []byte(strings.Join(append(head, lines...), "\r\n") + "\r\n")
}

var (
	both = []media.Law{media.ULaw, media.ALaw}
	here = netip.MustParseAddrPort("203.0.113.1:20000")
)

func TestOffer(t *testing.T) {
	want := "v=0\r\no=- 9 1 IN IP4 203.0.113.1\r\ns=-\r\nc=IN IP4 203.0.113.1\r\nt=0 0\r\n" +
		"m=audio 20000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n" +
		"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
	if got := string(Offer(9, here, both).Marshal()); got != want {
		t.Errorf("offer = %q, want %q", got, want)
	}
}

func TestAnswer(t *testing.T) {
	tests := []struct {
		name    string
		offer   []string
		want    []string // lines that the answer has
		law     media.Law
		events  int // payload type that we send events with, -1 none
		sending bool
		err     error
	}{
		{
			name: "offerer's order and payload types", law: media.ALaw, events: 96, sending: true,
			offer: []string{"m=audio 4000 RTP/AVP 18 8 0 96", "a=rtpmap:96 telephone-event/8000"},
			want:  []string{"m=audio 20000 RTP/AVP 8 0 96", "a=rtpmap:96 telephone-event/8000", "a=sendrecv"},
		},
		{
			name: "dynamic number for a static codec", law: media.ULaw, events: -1, sending: true,
			offer: []string{"m=audio 4000 RTP/AVP 111", "a=rtpmap:111 pcmu/8000/1"},
			want:  []string{"m=audio 20000 RTP/AVP 111", "a=rtpmap:111 PCMU/8000"},
		},
		{
			name: "hold by sendonly", law: media.ULaw, events: -1,
			offer: []string{"m=audio 4000 RTP/AVP 0", "a=sendonly"}, want: []string{"a=recvonly"},
		},
		{
			name: "hold by inactive", law: media.ULaw, events: -1,
			offer: []string{"a=inactive", "m=audio 4000 RTP/AVP 0"}, want: []string{"a=inactive"},
		},
		{
			name: "hold by address", law: media.ULaw, events: -1,
			offer: []string{"m=audio 4000 RTP/AVP 0", "c=IN IP4 0.0.0.0"}, want: []string{"a=recvonly"},
		},
		{
			name: "they only listen", law: media.ULaw, events: -1, sending: true,
			offer: []string{"m=audio 4000 RTP/AVP 0", "a=recvonly"}, want: []string{"a=sendonly"},
		},
		{
			name: "other lines are refused", law: media.ULaw, events: -1, sending: true,
			offer: []string{"m=video 5000 RTP/AVP 96", "m=audio 0 RTP/AVP 0", "m=audio 4000 RTP/AVP 0", "m=audio 4002 RTP/AVP 8"},
			want:  []string{"m=video 0 RTP/AVP 96", "m=audio 0 RTP/AVP 0", "m=audio 20000 RTP/AVP 0", "m=audio 0 RTP/AVP 8"},
		},
		{
			name: "one port for RTCP", law: media.ULaw, events: -1, sending: true,
			offer: []string{"m=audio 4000 RTP/AVP 0", "a=rtcp-mux"}, want: []string{"a=rtcp-mux"},
		},
		{name: "no codec", offer: []string{"m=audio 4000 RTP/AVP 18 9"}, err: ErrNoCodec},
		{name: "stereo", offer: []string{"m=audio 4000 RTP/AVP 96", "a=rtpmap:96 PCMU/8000/2"}, err: ErrNoCodec},
		{name: "wideband", offer: []string{"m=audio 4000 RTP/AVP 96", "a=rtpmap:96 PCMU/16000"}, err: ErrNoCodec},
		{name: "no audio", offer: []string{"m=video 4000 RTP/AVP 96"}, err: ErrNoAudio},
		{name: "audio off", offer: []string{"m=audio 0 RTP/AVP 0"}, err: ErrNoAudio},
		{name: "encrypted, where we are not to", offer: []string{"m=audio 4000 RTP/SAVP 0"}, err: ErrNotSecure},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			offer, err := Parse(description(tt.offer...))
			var answer Session
			var agreed Agreed
			if err == nil {
				answer, agreed, err = Answer(offer, Offer(9, here, both))
			}
			if !errors.Is(err, tt.err) {
				t.Fatalf("error = %v, want %v", err, tt.err)
			}
			if err != nil {
				return
			}
			text := string(answer.Marshal())
			for _, line := range tt.want {
				if !strings.Contains(text, line+"\r\n") {
					t.Errorf("answer %q lacks %q", text, line)
				}
			}
			if got := strings.Count(text, "m="); got != len(offer.Others)+1 {
				t.Errorf("%d m= lines, want %d", got, len(offer.Others)+1)
			}
			if agreed.Law != tt.law || agreed.Sending != tt.sending || agreed.Events != (tt.events >= 0) ||
				(agreed.Events && int(agreed.EventPayload) != tt.events) {
				t.Errorf("agreed = %+v", agreed)
			}
		})
	}
}

func TestAccept(t *testing.T) {
	answer, err := Parse(description("m=audio 4000 RTP/AVP 8 98", "a=rtpmap:98 telephone-event/8000",
		"a=ptime:30", "a=rtcp:5555 IN IP4 198.51.100.8"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := Accept(Offer(9, here, both), answer)
	if err != nil {
		t.Fatal(err)
	}
	if a.Law != media.ALaw || a.Payload != 8 || a.EventPayload != 98 || !a.Sending || !a.Receiving {
		t.Errorf("agreed = %+v", a)
	}
	for payload, want := range map[int]Kind{0: ULaw, 8: ALaw, 98: Event, 101: Event, 13: Noise, 18: Unknown, 97: Unknown} {
		if a.Receive[payload] != want {
			t.Errorf("payload type %d is taken for %d, want %d", payload, a.Receive[payload], want)
		}
	}
	if a.Remote.String() != "198.51.100.7:4000" || a.RemoteRTCP.String() != "198.51.100.8:5555" {
		t.Errorf("RTP to %v, RTCP to %v", a.Remote, a.RemoteRTCP)
	}
	if _, err := Accept(Offer(9, here, both[:1]), answer); !errors.Is(err, ErrNoCodec) {
		t.Errorf("an answer with a codec that we did not offer: %v", err)
	}
}

func TestGuard(t *testing.T) {
	networks, err := Networks([]string{"10.1.0.0/16", "192.168.7.7"})
	if err != nil {
		t.Fatal(err)
	}
	guard := Guard{Networks: networks, Own: func(a netip.AddrPort) bool { return a == here }}
	for address, why := range map[string]string{
		"198.51.100.7:4000": "", "[2001:db8::1]:4000": "", "10.1.2.3:4000": "", "192.168.7.7:4000": "", "[::ffff:10.1.2.3]:4000": "",
		"127.0.0.1:4000": "loopback", "[::1]:4000": "loopback", "[::ffff:127.0.0.1]:4000": "loopback",
		"10.2.0.1:4000": "private", "192.168.7.8:4000": "private", "172.16.0.1:4000": "private", "[fd00::1]:4000": "private",
		"169.254.169.254:80": "link-local", "[fe80::1]:4000": "link-local",
		"224.2.1.1:4000": "multicast", "[ff02::1]:4000": "multicast", "255.255.255.255:4000": "multicast",
		"0.0.0.0:4000": "unspecified", "[::]:4000": "unspecified", "0.1.2.3:4000": "not public", "100.64.0.1:4000": "not public",
		"198.51.100.7:0": "no port", here.String(): "own port",
	} {
		err := guard.Check(netip.MustParseAddrPort(address))
		refused, _ := errors.AsType[*AddressError](err)
		if got := ""; refused != nil {
			got = refused.Why
			if got != why {
				t.Errorf("%s: %q, want %q", address, got, why)
			}
		} else if why != "" {
			t.Errorf("%s is allowed, want %q", address, why)
		}
	}
	all := Guard{Networks: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}}
	if all.Check(netip.MustParseAddrPort("224.2.1.1:4000")) == nil {
		t.Error("multicast is allowed by a network")
	}
	if _, err := Networks([]string{"ten"}); err == nil {
		t.Error("a network that is none was read")
	}
}

func TestLimits(t *testing.T) {
	lines := func(n int) []string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf("m=audio %d RTP/AVP 0", 4000+2*i))
		}
		return list
	}
	if _, err := Parse(description(lines(32)...)); err != nil {
		t.Errorf("32 m= lines: %v", err)
	}
	for name, b := range map[string][]byte{
		"33 m= lines": description(lines(33)...),
		"64 kB":       append(description(lines(1)...), bytes.Repeat([]byte("a=x\r\n"), 13200)...),
	} {
		if _, err := Parse(b); !errors.Is(err, ErrTooBig) {
			t.Errorf("%s: %v, want ErrTooBig", name, err)
		}
	}
	for _, bad := range [][]string{
		{"m=audio 70000 RTP/AVP 0"}, {"m=audio 4000 RTP/AVP 0", "c=IN IP4 pbx.example.com"}, {"m=audio -1 RTP/AVP 0"},
	} {
		if _, err := Parse(description(bad...)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

// Refusing is fine, panicking is not; what was read reads the same again, and
// an answer to it is one that we can read.
func FuzzParse(f *testing.F) {
	f.Add(description("m=audio 4000 RTP/AVP 0 8 101", "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15"))
	f.Add(description("m=video 1 RTP/AVP 96", "m=audio 4000 RTP/AVP 0", "a=ptime:20.0", "a=rtcp:9 IN IP6 ::1", "a=rtcp-mux"))
	f.Add(description("m=audio 4000/2 RTP/AVP 13 0", "c=IN IP6 2001:db8::1", "a=inactive"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Parse(b)
		if err != nil {
			return
		}
		again, err := Parse(s.Marshal())
		if err != nil || !again.Equal(s) {
			t.Errorf("%+v became %+v, %v", s, again, err)
		}
		answer, _, err := Answer(s, Offer(1, here, both))
		if err != nil {
			return
		}
		if _, err := Parse(answer.Marshal()); err != nil {
			t.Errorf("our answer %q: %v", answer.Marshal(), err)
		}
	})
}

// TestErrorsHaveNoNumbers: what a carrier writes of a person does not get into the log.
func TestErrorsHaveNoNumbers(t *testing.T) {
	for name, text := range map[string]string{
		"address":    "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 +442079460123\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n",
		"type":       "v=0\r\no=+442079460123 1 1 IN +442079460123 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n",
		"port":       "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 442079460123 RTP/AVP 0\r\n",
		"connection": "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=442079460123 IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n",
	} {
		if _, err := Parse([]byte(text)); err == nil || strings.Contains(err.Error(), "2079460123") {
			t.Errorf("%s: %v, want an error without the number", name, err)
		}
	}
}
