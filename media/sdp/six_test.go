package sdp

import "testing"

// TestS08DescriptionsIPv6 (S-8): descriptions as in RFC 5118, sections 4.6 and 4.8: the
// audio goes to the IPv6 address that its own line or the session has.
func TestS08DescriptionsIPv6(t *testing.T) {
	for name, b := range map[string][]byte{
		"4.6":                []byte("v=0\r\no=far 971731711378798081 0 IN IP6 2001:db8::20\r\ns=-\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\nc=IN IP6 2001:db8::20\r\n"),
		"4.8":                []byte("v=0\r\no=far 1 1 IN IP4 192.0.2.20\r\ns=-\r\nc=IN IP4 192.0.2.20\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\nc=IN IP6 2001:db8::20\r\nm=video 6024 RTP/AVP 107\r\n"),
		"4.8, the other way": []byte("v=0\r\no=far 1 1 IN IP4 192.0.2.20\r\ns=-\r\nc=IN IP6 2001:db8::20\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\nm=video 6024 RTP/AVP 107\r\nc=IN IP4 192.0.2.20\r\n"),
	} {
		to, err := where(b, Guard{})
		if err != nil || to.String() != "[2001:db8::20]:6000" {
			t.Errorf("%s: audio goes to %s, %v", name, to, err)
		}
	}
}
