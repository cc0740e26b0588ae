// Package browser is a web page with a headset, for tests: it makes an offer as browsers
// do, takes our answer, says a tone without pause and hands out what it hears. Its
// network can be cut and put back.
//
// It is not a browser: it has no page and asks nothing of the API; whoever uses it
// carries offer and answer. Its WebRTC is that of pion, as ours is, so what both have
// wrong it does not find; Chromium does.
package browser

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/outpace-dialer/outpace/test/phone"
)

// Config of a Browser. The zero value is one that says nothing and takes both laws.
type Config struct {
	Laws []phone.Law // that it offers, in order; default PCMU, PCMA
	Hz   float64     // of the tone that it says; 0: silence
	// Sequence is the number of its first packet. Browsers begin below 32768: a far end
	// that misses the first packets could not know how often the number went round.
	Sequence uint16
	// Hear takes every audio packet, in the order of arrival, by one goroutine.
	Hear func(Packet)
}

// Packet is what came in one RTP packet of audio.
type Packet struct {
	At        time.Time
	Sequence  uint16
	Timestamp uint32
	SSRC      uint32
	Marker    bool
	Law       phone.Law
	PCM       []int16
}

// Browser is one page: one connection.
type Browser struct {
	cfg    Config
	pc     *webrtc.PeerConnection
	mic    *microphone
	link   *link
	mux    *ice.UDPMuxDefault
	up     chan struct{} // closed when it is connected
	over   chan struct{} // closed when it is not any more
	events *events
	work   sync.WaitGroup
	reader sync.WaitGroup
	cancel context.CancelFunc

	sent     atomic.Uint64
	farLost  atomic.Int64 // of ours, by RTCP; -1: no report yet
	onceUp   sync.Once
	onceOver sync.Once
}

const mimeEvent = "audio/telephone-event"

// eventPayload is what Chromium takes for telephone-event at 8 kHz.
const eventPayload = 126

// Open makes a page on loopback; Close ends it.
func Open(cfg Config) (*Browser, error) {
	if len(cfg.Laws) == 0 {
		cfg.Laws = []phone.Law{phone.PCMU, phone.PCMA}
	}
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, err
	}
	b := &Browser{cfg: cfg, link: &link{UDPConn: conn}, up: make(chan struct{}), over: make(chan struct{}), events: &events{}}
	b.farLost.Store(-1)
	if err := b.connect(); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return b, nil
}

func (b *Browser) connect() error {
	codecs := &webrtc.MediaEngine{}
	for _, law := range b.cfg.Laws {
		if err := codecs.RegisterCodec(codecOf(law), webrtc.RTPCodecTypeAudio); err != nil {
			return err
		}
	}
	events := webrtc.RTPCodecParameters{RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: mimeEvent, ClockRate: 8000, SDPFmtpLine: "0-16"}, PayloadType: eventPayload}
	if err := codecs.RegisterCodec(events, webrtc.RTPCodecTypeAudio); err != nil {
		return err
	}
	quiet := &logging.DefaultLoggerFactory{Writer: io.Discard, DefaultLogLevel: logging.LogLevelDisabled}
	b.mux = ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: b.link, Logger: quiet.NewLogger("ice")})
	s := webrtc.SettingEngine{LoggerFactory: quiet}
	s.SetICEUDPMux(b.mux)
	s.SetIncludeLoopbackCandidate(true)
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	api := webrtc.NewAPI(webrtc.WithMediaEngine(codecs), webrtc.WithSettingEngine(s), webrtc.WithInterceptorRegistry(&interceptor.Registry{}))
	var err error
	if b.pc, err = api.NewPeerConnection(webrtc.Configuration{}); err != nil {
		return err
	}
	b.mic = &microphone{law: b.cfg.Laws[0]}
	sender, err := b.pc.AddTrack(b.mic)
	if err != nil {
		return err
	}
	b.reader.Go(func() { b.readReports(sender) })
	b.pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { b.hear(track) })
	b.pc.OnConnectionStateChange(b.follow)
	return nil
}

func codecOf(law phone.Law) webrtc.RTPCodecParameters {
	mime := webrtc.MimeTypePCMU
	if law == phone.PCMA {
		mime = webrtc.MimeTypePCMA
	}
	return webrtc.RTPCodecParameters{RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: mime, ClockRate: 8000}, PayloadType: webrtc.PayloadType(law)}
}

func (b *Browser) follow(s webrtc.PeerConnectionState) {
	switch s {
	case webrtc.PeerConnectionStateConnected:
		b.onceUp.Do(func() { close(b.up) })
	case webrtc.PeerConnectionStateClosed, webrtc.PeerConnectionStateFailed:
		b.onceOver.Do(func() { close(b.over) })
	}
}

// Offer is the page's session description, candidates included.
func (b *Browser) Offer() (string, error) {
	offer, err := b.pc.CreateOffer(nil)
	if err != nil {
		return "", err
	}
	gathered := webrtc.GatheringCompletePromise(b.pc)
	if err := b.pc.SetLocalDescription(offer); err != nil {
		return "", err
	}
	<-gathered
	return b.pc.LocalDescription().SDP, nil
}

// Accept takes the answer and begins to talk.
func (b *Browser) Accept(answer string) error {
	if err := b.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		return err
	}
	var ctx context.Context
	ctx, b.cancel = context.WithCancel(context.Background())
	b.work.Go(func() { b.talk(ctx) })
	return nil
}

// Up is closed when the page is connected, Over when it is not any more.
func (b *Browser) Up() <-chan struct{}   { return b.up }
func (b *Browser) Over() <-chan struct{} { return b.over }

// Await waits until the page is connected.
func (b *Browser) Await(ctx context.Context) error {
	select {
	case <-b.up:
		return nil
	case <-b.over:
		return errors.New("browser: the connection failed")
	case <-ctx.Done():
		return fmt.Errorf("browser: not connected: %w", context.Cause(ctx))
	}
}

// Cut lets nothing through in either direction, or everything again: a network that is
// away.
func (b *Browser) Cut(cut bool) { b.link.cut.Store(cut) }

// Press sends a key as browsers do: by telephone-event (RFC 4733).
func (b *Browser) Press(key rune) { b.events.press(key) }

// Sent is how many audio packets were said.
func (b *Browser) Sent() uint64 { return b.sent.Load() }

// FarLost is how many of our packets the dialer says it lost; false before it said so.
func (b *Browser) FarLost() (int64, bool) { n := b.farLost.Load(); return n, n >= 0 }

// Close leaves as a page that is closed: it says so to the far end, unless the network
// is cut.
func (b *Browser) Close() error {
	if b.cancel != nil {
		b.cancel()
	}
	b.work.Wait()
	err := b.pc.GracefulClose()
	b.reader.Wait()
	b.onceOver.Do(func() { close(b.over) })
	return errors.Join(err, b.mux.Close())
}

// talk says the tone, a packet every 20 ms by the clock.
func (b *Browser) talk(ctx context.Context) {
	select {
	case <-b.up:
	case <-ctx.Done():
		return
	}
	tone := phone.Tone{Hz: b.cfg.Hz, Peak: 8000}
	pcm, payload := make([]int16, phone.FrameSamples), make([]byte, phone.FrameSamples)
	p := &rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: uint8(b.cfg.Laws[0]), SequenceNumber: b.cfg.Sequence, Timestamp: 1<<32 - 1000, Marker: true}}
	began := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for n := 1; ; n++ {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		tone.Next(pcm)
		b.cfg.Laws[0].Encode(payload, pcm)
		p.Payload = payload
		if b.mic.write(p) {
			b.sent.Add(1)
		}
		p.Marker = false
		p.SequenceNumber++
		b.events.write(b.mic, p)
		p.Timestamp += phone.FrameSamples
		timer.Reset(time.Until(began.Add(time.Duration(n) * 20 * time.Millisecond)))
	}
}

// hear takes what comes until the connection ends.
func (b *Browser) hear(track *webrtc.TrackRemote) {
	for {
		p, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		law := phone.Law(p.PayloadType)
		if b.cfg.Hear == nil || law != phone.PCMU && law != phone.PCMA {
			continue
		}
		pcm := make([]int16, len(p.Payload))
		law.Decode(pcm, p.Payload)
		b.cfg.Hear(Packet{At: time.Now(), Sequence: p.SequenceNumber, Timestamp: p.Timestamp, SSRC: p.SSRC, Marker: p.Marker, Law: law, PCM: pcm})
	}
}

// readReports takes what the dialer says of our packets.
func (b *Browser) readReports(sender *webrtc.RTPSender) {
	for {
		packets, _, err := sender.ReadRTCP()
		if err != nil {
			return
		}
		for _, p := range packets {
			var reports []rtcp.ReceptionReport
			switch p := p.(type) {
			case *rtcp.SenderReport:
				reports = p.Reports
			case *rtcp.ReceiverReport:
				reports = p.Reports
			}
			for _, r := range reports {
				b.farLost.Store(int64(r.TotalLost))
			}
		}
	}
}

// Without takes the lines of an offer away that begin with one of the prefixes.
func Without(offer string, prefixes ...string) string {
	var kept strings.Builder
	for line := range strings.Lines(offer) {
		keep := true
		for _, prefix := range prefixes {
			keep = keep && !strings.HasPrefix(line, prefix)
		}
		if keep {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// Report says how many of the dialer's packets of a stream were lost, as browsers do by
// RTCP every few seconds.
func (b *Browser) Report(ssrc, lost uint32) error {
	return b.pc.WriteRTCP([]rtcp.Packet{&rtcp.ReceiverReport{Reports: []rtcp.ReceptionReport{{SSRC: ssrc, TotalLost: lost}}}})
}
