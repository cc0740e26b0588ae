package e2e

import (
	"fmt"
	"strings"
)

// step is a piece of a sipp scenario. The INVITE's headers are kept in
// variables, since what answers it may follow a CANCEL or an ACK.
type step string

const scenarioHead = `<?xml version="1.0" encoding="ISO-8859-1" ?>
<!DOCTYPE scenario SYSTEM "sipp.dtd">
<scenario name="carrier">
`

// keep stores the headers of the INVITE that later messages are made of.
const keep = `<action>
<ereg regexp=".*" search_in="hdr" header="Via:" assign_to="via"/>
<ereg regexp=".*" search_in="hdr" header="From:" assign_to="from"/>
<ereg regexp=".*" search_in="hdr" header="To:" assign_to="to"/>
<ereg regexp="[0-9]+" search_in="hdr" header="CSeq:" assign_to="cseq"/>
<ereg regexp="sip:[^&gt;]*" search_in="hdr" header="Contact:" assign_to="contact"/>
%s</action>`

// scenario is a whole sipp file.
func scenario(steps ...step) string {
	var b strings.Builder
	b.WriteString(scenarioHead)
	for _, s := range steps {
		b.WriteString(string(s))
	}
	b.WriteString("<Reference variables=\"via,from,to,cseq,contact\"/>\n</scenario>\n") // not every scenario uses all
	return b.String()
}

// invited waits for the INVITE; actions are further ones, in sipp's words.
func invited(actions string) step {
	return step(`<recv request="INVITE">` + fmt.Sprintf(keep, actions) + "</recv>\n")
}

func received(method string) step { return step(fmt.Sprintf("<recv request=%q/>\n", method)) }

// message is a send with its body; repeats is for what is sent again until it
// is acknowledged.
func message(repeats bool, lines ...string) step {
	attribute := ""
	if repeats {
		attribute = ` retrans="500"`
	}
	return step("<send" + attribute + "><![CDATA[\n\n" + strings.Join(lines, "\n") + "\n\n]]></send>\n")
}

const (
	sippContact = "Contact: <sip:carrier@[local_ip]:[local_port];transport=[transport]>"
	noBody      = "Content-Length: 0"
)

// session is an SDP body with its headers.
func session(direction string, version int) string {
	return fmt.Sprintf(`Content-Type: application/sdp
Content-Length: [len]

v=0
o=sipp 1 %d IN IP4 [media_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [rtpstream_audio_port] RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=%s`, version, direction)
}

// answer is a response to the INVITE under a tag, with further lines.
func answer(status, tag string, lines ...string) step {
	head := []string{
		"SIP/2.0 " + status, "Via:[$via]", "From:[$from]", "To:[$to];tag=" + tag, "Call-ID: [call_id]", "CSeq: [$cseq] INVITE",
	}
	final := !strings.HasPrefix(status, "1")
	return message(final, append(head, lines...)...)
}

func ringing() step          { return answer("180 Ringing", "a", sippContact, noBody) }
func accept(tag string) step { return answer("200 OK", tag, sippContact, session("sendrecv", 1)) }

// okay answers the last request, whatever it was.
func okay() step {
	return message(false, "SIP/2.0 200 OK", "[last_Via:]", "[last_From:]", "[last_To:]", "[last_Call-ID:]", "[last_CSeq:]", noBody)
}

// request is one of ours inside the dialog of tag a.
func request(method string, cseq int, lines ...string) step {
	head := []string{
		method + " [$contact] SIP/2.0", "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]", "Max-Forwards: 70",
		"From:[$to];tag=a", "To:[$from]", "Call-ID: [call_id]", fmt.Sprintf("CSeq: %d %s", cseq, method),
	}
	return message(method != "ACK", append(head, lines...)...)
}

// reinvite changes the session's direction and waits until that is agreed.
func reinvite(cseq int, direction, agreed string) step {
	return request("INVITE", cseq, sippContact, session(direction, cseq)) +
		`<recv response="100" optional="true"/>` +
		step(fmt.Sprintf(`<recv response="200"><action><ereg regexp="a=%s" search_in="body" check_it="true" assign_to="agreed"/></action></recv><Reference variables="agreed"/>`, agreed)) +
		request("ACK", cseq, noBody)
}

func pause(milliseconds int) step {
	return step(fmt.Sprintf("<pause milliseconds=\"%d\"/>\n", milliseconds))
}

// play sends a file of raw G.711 once, payload type 0.
func play(file string) step { return playAs(file, 0) }

func playAs(file string, payload int) step {
	return step(fmt.Sprintf("<nop><action><exec rtp_stream=\"%s,1,%d\"/></action></nop>\n", file, payload))
}
