package sdp

import "testing"

func TestOfBrowser(t *testing.T) {
	for text, want := range map[string]bool{
		"v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0 8\r\n":                         true,
		"v=0\nm=video 9 UDP/TLS/RTP/SAVPF 96\nm=audio 9 RTP/SAVPF 0\n":       true,
		"v=0\r\nm=audio 4000 RTP/AVP 0\r\n":                                  false,
		"v=0\r\nm=audio 4000 RTP/SAVP 0\r\n":                                 false,
		"v=0\r\nm=audio 4000 RTP/AVP 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n": false, // the first counts
		"v=0\r\na=m=audio 9 UDP/TLS/RTP/SAVPF\r\n":                           false,
		"m=audio": false,
		"":        false,
	} {
		if got := OfBrowser([]byte(text)); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
