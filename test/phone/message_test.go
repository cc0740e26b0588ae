package phone

import (
	"bytes"
	"testing"
)

const sample = "INVITE sip:+15550001@127.0.0.1:5060;user=phone SIP/2.0\r\nv: SIP/2.0/UDP 127.0.0.1:5070;rport;branch=z9hG4bK1\r\n" +
	"Via: SIP/2.0/UDP 10.0.0.1\r\nf: \"A, <B>\" <sip:+15559990000@x;tag=no>;tag=yes\r\nTo: <sip:+15550001@x>\r\ni: id\r\nCSeq: 7 INVITE\r\n" +
	"Subject: folded\r\n  over lines\r\nl: 4\r\n\r\nbodyand more"

func TestParse(t *testing.T) {
	m, err := Parse([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	n, method := m.cseq()
	for _, c := range []struct{ what, got, want string }{
		{"method", m.Method, "INVITE"}, {"number", UserOf(m.URI), "+15550001"}, {"host", hostOf(m.URI), "127.0.0.1:5060"},
		{"from", UserOf(uriOf(m.Get("From"))), "+15559990000"}, {"tag", param(m.Get("from"), "tag"), "yes"}, {"branch", m.branch(), "z9hG4bK1"},
		{"call", m.Get("Call-ID"), "id"}, {"cseq", cseqOf(n, method), "7 INVITE"}, {"fold", m.Get("subject"), "folded over lines"}, {"body", string(m.Body), "body"},
		{"port", hostOf("sip:a@h"), "h:5060"}, {"tel", UserOf("tel:+15551"), "+15551"}, {"no user", UserOf("sip:host"), ""},
	} {
		if c.got != c.want {
			t.Errorf("%s = %q, want %q", c.what, c.got, c.want)
		}
	}
	if r := m.response(180, "Ringing", "t1"); len(r.All("Via")) != 2 || param(r.Get("To"), "tag") != "t1" {
		t.Errorf("response = %s", r.Bytes())
	}
}

func FuzzParse(f *testing.F) { // refusing is fine, panicking is not
	f.Add([]byte(sample))
	f.Add([]byte("SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Parse(b)
		if err != nil {
			return
		}
		m.branch()
		hostOf(uriOf(m.Get("Contact")))
		fields(m.Get("Authorization"))
		if m.Get("Content-Length") == "" {
			return
		}
		again, err := Parse(m.Bytes())
		if err != nil || !bytes.Equal(again.Body, m.Body) {
			t.Errorf("%q: again %v", b, err)
		}
	})
}

func FuzzSDP(f *testing.F) {
	f.Add([]byte("v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 4000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendonly\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseSDP(b)
		if err != nil {
			return
		}
		if again, err := parseSDP(s.bytes(1, 1)); err != nil || again.addr != s.addr {
			t.Errorf("%q: again %+v, %v, want %+v", b, again, err, s)
		}
	})
}

func TestFieldsReadsAChallenge(t *testing.T) {
	got := fields(`Digest realm="a, b", nonce="n=1", algorithm=SHA-256, qop="auth,auth-int", stale=true`)
	for key, want := range map[string]string{"realm": "a, b", "nonce": "n=1", "algorithm": "SHA-256", "qop": "auth,auth-int", "stale": "true"} {
		if got[key] != want {
			t.Errorf("%s = %q, want %q", key, got[key], want)
		}
	}
}
