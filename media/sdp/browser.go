package sdp

import (
	"bytes"
	"strings"
)

// OfBrowser says whether a description is one as browsers make them: its audio is under
// keys that DTLS agrees on (RFC 5764 section 8), or would be. Parse does not take those.
func OfBrowser(description []byte) bool {
	if len(description) > maxBytes {
		return false
	}
	for line := range bytes.SplitSeq(description, []byte("\n")) {
		if line = bytes.TrimSpace(line); !bytes.HasPrefix(line, []byte("m=audio")) {
			continue
		}
		words := strings.Fields(string(line))
		if len(words) > 2 && words[0] == "m=audio" {
			return strings.HasSuffix(words[2], "RTP/SAVPF")
		}
	}
	return false
}
