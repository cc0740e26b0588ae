package webrtc

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/outpace-dialer/outpace/media"
)

// connection is one PeerConnection of a browser: answered, then up, then over. It is
// its own track to the browser (webrtc.TrackLocal), so that a packet goes to the
// encryption without being parsed or copied.
type connection struct {
	exchange *Exchange
	session  string
	pc       *webrtc.PeerConnection
	readers  sync.WaitGroup

	phone atomic.Pointer[Phone] // nil before expect, does not change after

	// Of Exchange.mu.
	expiry *time.Timer
	bound  bool // out and format are known
	up     bool // ICE and DTLS are done
	away   bool // nothing comes
	over   bool

	// Written once, before bound.
	out    webrtc.TrackLocalWriter
	format media.WireFormat

	header rtp.Header // of the one who sends
}

const mimeEvent = "audio/telephone-event"

func (e *Exchange) newConnection() (*connection, error) {
	pc, err := e.api.NewPeerConnection(webrtc.Configuration{Certificates: []webrtc.Certificate{e.cert}})
	if err != nil {
		return nil, fmt.Errorf("webrtc: %w", err)
	}
	c := &connection{exchange: e, session: rand.Text(), pc: pc}
	sender, err := pc.AddTrack(c)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("webrtc: %w", err), pc.Close())
	}
	c.readers.Go(func() { c.readRTCP(sender) })
	pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		if c.beginReading() {
			defer c.readers.Done()
			c.readRTP(track)
		}
	})
	pc.OnConnectionStateChange(func(webrtc.PeerConnectionState) { e.follow(c) })
	return c, nil
}

// gatherWithin is far more than it takes to look at our own socket.
const gatherWithin = 5 * time.Second

// negotiate answers an offer.
func (c *connection) negotiate(offer string) (string, error) {
	if err := c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		return "", refuse(BadSDP, "the offer cannot be followed: %v", err)
	}
	answer, err := c.pc.CreateAnswer(nil)
	if err == nil {
		answer.SDP, err = c.describe(answer)
	}
	if err != nil {
		return "", refuse(BadSDP, "the offer cannot be answered: %v", err)
	}
	return answer.SDP, nil
}

// describe makes a description ours and returns it as the far end is to have it.
func (c *connection) describe(ours webrtc.SessionDescription) (string, error) {
	gathered := webrtc.GatheringCompletePromise(c.pc)
	if err := c.pc.SetLocalDescription(ours); err != nil {
		return "", err
	}
	select {
	case <-gathered:
		return tellAddresses(c.pc.LocalDescription().SDP, c.exchange.addresses, c.exchange.socket.port())
	case <-time.After(gatherWithin):
		return "", errors.New("webrtc: no candidate of our own")
	}
}

// follow looks at what the connection has come to. Callbacks may overtake each other,
// so the state is asked for.
func (e *Exchange) follow(c *connection) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c.over || c.phone.Load() == nil {
		return
	}
	switch c.pc.ConnectionState() {
	case webrtc.PeerConnectionStateConnected:
		c.up = true
		e.adopt(c)
		e.setAway(c, false)
	case webrtc.PeerConnectionStateDisconnected:
		e.setAway(c, true)
	case webrtc.PeerConnectionStateFailed:
		e.failed.Add(1)
		e.lose(c)
	case webrtc.PeerConnectionStateClosed:
		e.lose(c)
	}
}

// adopt puts a connection that is up in the place of the one that was heard before,
// once it can be sent to as well.
func (e *Exchange) adopt(c *connection) {
	if p := c.phone.Load(); c.up && c.bound && p.pending == c {
		if c.expiry != nil {
			c.expiry.Stop()
		}
		p.pending = nil
		old := p.current.Load()
		p.replace(c)
		e.connects.Add(1)
		if old != nil {
			e.takeOvers.Add(1)
			e.drop(old)
			e.tell(p, old.session, TakenOver)
		}
		e.tell(p, c.session, Connected)
	}
}

func (e *Exchange) setAway(c *connection, away bool) {
	if c.away == away || c.phone.Load().current.Load() != c {
		return
	}
	c.away = away
	what := Connected
	if away {
		what = Away
	}
	e.tell(c.phone.Load(), c.session, what)
}

// expire gives a connection up that did not come up.
func (e *Exchange) expire(c *connection) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !c.over && c.phone.Load().pending == c {
		e.failed.Add(1)
		e.lose(c)
	}
}

// lose forgets a connection that ended by itself. e.mu is held.
func (e *Exchange) lose(c *connection) {
	p := c.phone.Load()
	e.forget(c)
	if !p.reachable() {
		e.tell(p, c.session, Gone)
	}
	e.tidy(p)
}

// forget takes a connection from its phone and closes it. e.mu is held.
func (e *Exchange) forget(c *connection) {
	p := c.phone.Load()
	if p.pending == c {
		p.pending = nil
	}
	if p.current.Load() == c {
		p.replace(nil)
	}
	e.drop(c)
}

// drop closes a connection that nobody has any more: what it takes to say goodbye, and
// to wait for its readers, is done beside. e.mu is held.
func (e *Exchange) drop(c *connection) {
	if c.over {
		return
	}
	c.over = true
	if c.expiry != nil {
		c.expiry.Stop()
	}
	e.work.Go(func() {
		_ = c.pc.GracefulClose() // nothing is left to do where it fails
		c.readers.Wait()
	})
}

// beginReading says whether a reader may begin.
func (c *connection) beginReading() bool {
	c.exchange.mu.Lock()
	defer c.exchange.mu.Unlock()
	if !c.over {
		c.readers.Add(1)
	}
	return !c.over
}

// tooManyFailures in a row mean that nothing more will come.
const tooManyFailures = 100

// readRTP takes the browser's packets until the connection ends.
func (c *connection) readRTP(track *webrtc.TrackRemote) {
	var b [1500]byte
	for failures := 0; failures < tooManyFailures; {
		n, _, err := track.Read(b[:])
		now := time.Now()
		if isOver(err) {
			return
		}
		if err != nil { // of one packet: too long, or of a payload type that is not agreed
			failures++
			continue
		}
		failures = 0
		c.exchange.received.Add(1)
		if p := c.phone.Load(); p != nil {
			p.hearRTP(c, b[:n], now)
		}
	}
}

// readRTCP takes what the browser says of our packets.
func (c *connection) readRTCP(sender *webrtc.RTPSender) {
	var b [1500]byte
	for {
		n, _, err := sender.Read(b[:])
		if err != nil {
			return
		}
		if p := c.phone.Load(); p != nil {
			p.hearRTCP(c, b[:n], time.Now())
		}
	}
}

func isOver(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe)
}

// headerSize is what the leg puts before its payload: no CSRC, no extension.
const headerSize = 12

// writeRTP encrypts and sends one packet. One goroutine at a time may call it.
func (c *connection) writeRTP(b []byte) error {
	if len(b) < headerSize {
		return nil
	}
	c.header = rtp.Header{
		Version: 2, Marker: b[1]&0x80 != 0, PayloadType: b[1] & 0x7F,
		SequenceNumber: binary.BigEndian.Uint16(b[2:]), Timestamp: binary.BigEndian.Uint32(b[4:]), SSRC: binary.BigEndian.Uint32(b[8:]),
	}
	_, err := c.out.WriteRTP(&c.header, b[headerSize:])
	return err
}

func (c *connection) writeRTCP(b []byte) error {
	packets, err := rtcp.Unmarshal(b)
	if err != nil {
		return fmt.Errorf("webrtc: report: %w", err)
	}
	return c.pc.WriteRTCP(packets)
}

// Bind tells what was agreed on, once media may flow; see webrtc.TrackLocal.
func (c *connection) Bind(agreed webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	f := media.WireFormat{SSRC: uint32(agreed.SSRC()), ULaw: media.NoPayload, ALaw: media.NoPayload, Event: media.NoPayload}
	var ours webrtc.RTPCodecParameters
	for _, codec := range agreed.CodecParameters() {
		switch {
		case strings.EqualFold(codec.MimeType, webrtc.MimeTypePCMU):
			f.ULaw = int(codec.PayloadType)
		case strings.EqualFold(codec.MimeType, webrtc.MimeTypePCMA):
			f.ALaw = int(codec.PayloadType)
		case strings.EqualFold(codec.MimeType, mimeEvent):
			f.Event = int(codec.PayloadType)
			continue
		}
		if ours.MimeType == "" {
			ours = codec
		}
	}
	if ours.MimeType == "" {
		return ours, webrtc.ErrUnsupportedCodec
	}
	if strings.EqualFold(ours.MimeType, webrtc.MimeTypePCMA) {
		f.Law = media.ALaw
	}
	e := c.exchange
	e.mu.Lock()
	defer e.mu.Unlock()
	c.out, c.format, c.bound = agreed.WriteStream(), f, true
	if !c.over && c.phone.Load() != nil {
		e.adopt(c)
	}
	return ours, nil
}

// Unbind, ID, RID, StreamID and Kind make it a webrtc.TrackLocal.
func (c *connection) Unbind(webrtc.TrackLocalContext) error { return nil }
func (c *connection) ID() string                            { return "audio" }
func (c *connection) RID() string                           { return "" }
func (c *connection) StreamID() string                      { return "outpace" }
func (c *connection) Kind() webrtc.RTPCodecType             { return webrtc.RTPCodecTypeAudio }
