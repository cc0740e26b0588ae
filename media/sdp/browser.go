package sdp

import (
	"bufio"
	"bytes"
	"strings"
)

// OfBrowser says whether a description is one as browsers make them: its audio is under
// keys that DTLS agrees on (RFC 5764 section 8), or would be. Parse does not take those.
func OfBrowser(description []byte) bool {
	if len(description) > maxBytes {
		return false
	}
	lines := bufio.NewScanner(bytes.NewReader(description))
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) > 2 && words[0] == "m=audio" {
			return strings.HasSuffix(words[2], "RTP/SAVPF")
		}
	}
	return false
}
