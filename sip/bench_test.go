package sip

import (
	"io"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
)

// BenchmarkCall is the signalling of one call on UDP: INVITE, 100, 180, 200,
// ACK, BYE, 200. The far end's share of the time is in it.
func BenchmarkCall(b *testing.B) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		b.Fatal(err)
	}
	ended := make(chan struct{}, 1)
	var agent *Agent
	agent, err = New(Config{Listen: []Listener{{"udp", "127.0.0.1:0"}}}, func(e Event) {
		switch e := e.(type) {
		case Answered:
			agent.Hangup(e.Leg, Cause{})
		case Ended:
			ended <- struct{}{}
		}
	}, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		b.Fatal(err)
	}
	go answerAll(conn)
	go func() { _ = agent.Run(b.Context()) }()
	addr := conn.LocalAddr().String()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		agent.Invite(LegID(strconv.Itoa(i)), Invitation{
			Dialog: NewDialog("trunk", "udp", addr, "sip:1@"+addr, "sip:2@127.0.0.1", "sip:1@"+addr, ""),
			Body:   []byte("v=0\r\n"), RingTimeout: time.Minute,
		})
		<-ended
	}
	b.StopTimer()
	_ = conn.Close()
}

func answerAll(conn *net.UDPConn) {
	buf := make([]byte, 65536)
	contact := "Contact: <sip:far@" + conn.LocalAddr().String() + ">\r\n"
	for {
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			return
		}
		m := string(buf[:n])
		switch {
		case strings.HasPrefix(m, "INVITE"):
			for _, status := range []string{"100 Trying", "180 Ringing", "200 OK"} {
				_, _ = conn.WriteTo([]byte(responseTo(m, status, "T", contact, "")), from)
			}
		case strings.HasPrefix(m, "BYE"):
			_, _ = conn.WriteTo([]byte(responseTo(m, "200 OK", "", "", "")), from)
		}
	}
}
