package browser

import (
	"strings"
	"sync/atomic"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/outpace-dialer/outpace/test/phone"
)

// microphone is the track that a page sends: pion's own cannot send keys.
type microphone struct {
	law phone.Law
	out atomic.Pointer[outlet]
}

type outlet struct {
	webrtc.TrackLocalWriter
	ssrc uint32
}

// write says whether a packet went out.
func (m *microphone) write(p *rtp.Packet) bool {
	out := m.out.Load()
	if out == nil {
		return false
	}
	p.SSRC = out.ssrc
	n, err := out.WriteRTP(&p.Header, p.Payload)
	return err == nil && n > 0
}

// Bind takes the codec that was agreed on; see webrtc.TrackLocal.
func (m *microphone) Bind(agreed webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	wanted := codecOf(m.law)
	for _, c := range agreed.CodecParameters() {
		if strings.EqualFold(c.MimeType, wanted.MimeType) {
			m.out.Store(&outlet{agreed.WriteStream(), uint32(agreed.SSRC())})
			return c, nil
		}
	}
	return webrtc.RTPCodecParameters{}, webrtc.ErrUnsupportedCodec
}

// Unbind, ID, RID, StreamID and Kind make it a webrtc.TrackLocal.
func (m *microphone) Unbind(webrtc.TrackLocalContext) error { m.out.Store(nil); return nil }
func (m *microphone) ID() string                            { return "microphone" }
func (m *microphone) RID() string                           { return "" }
func (m *microphone) StreamID() string                      { return "page" }
func (m *microphone) Kind() webrtc.RTPCodecType             { return webrtc.RTPCodecTypeAudio }
