package doctor

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"

	"github.com/outpace-dialer/outpace/config"
)

// openSocket is a port that somebody has open.
type openSocket struct {
	at    netip.AddrPort
	inode string // by which the process is found
}

// takes says whether nobody else can have at while s is open.
func (s openSocket) takes(at netip.AddrPort) bool {
	return s.at.Port() == at.Port() && (s.at.Addr() == at.Addr() || s.at.Addr().IsUnspecified() || at.Addr().IsUnspecified())
}

// holder is a process.
type holder struct {
	pid     int
	name    string
	product bool // it is outpace
}

func (h holder) String() string { return fmt.Sprintf("%s (process %d)", h.name, h.pid) }

// listener is an address that the product will listen at.
type listener struct{ key, network, address string }

func (e *examination) listeners() []listener {
	all := []listener{{"http.listen", "tcp", e.cfg.HTTP.Listen}, {"admin.listen", "tcp", e.cfg.Admin.Listen}}
	add := func(key string, s config.Signalling) {
		for _, l := range s.Listen {
			network := "tcp"
			if l.Transport == "udp" {
				network = "udp"
			}
			all = append(all, listener{key, network, l.Address})
		}
	}
	add("trunk_signalling.listen", e.cfg.Trunk)
	add("phones.listen", e.cfg.Phones.Signalling)
	if b := e.cfg.Phones.Browser; b.Enabled && b.Listen != "" {
		all = append(all, listener{"phones.browser.listen", "udp", b.Listen})
	}
	return all
}

// checkPorts looks whether each listener and the ports for audio are free, or the
// running product's.
func (e *examination) checkPorts() {
	tables := map[string][]openSocket{}
	for _, network := range []string{"udp", "tcp"} {
		tables[network], _ = openSockets(network) // without it, binding tells
	}
	e.owners = socketOwners()
	free := ""
	for _, l := range e.listeners() {
		if e.checkListener(l, tables[l.network]) {
			free = l.network + " " + l.address
		}
	}
	if e.product > 0 && free != "" {
		e.warn(CheckPorts, "running product", "stop it before you start one with this configuration, or restart it",
			"process %d has some of these listeners, but not %s: it runs with another configuration", e.product, free)
	}
	e.checkAudioPorts(tables["udp"])
}

// checkListener says whether the address of a listener is free.
func (e *examination) checkListener(l listener, open []openSocket) (free bool) {
	subject := l.network + " " + l.address
	at, err := resolveListener(l)
	if err != nil {
		e.fail(CheckPorts, subject, "correct "+l.key, "%v", err)
		return false
	}
	if at.Port() == 0 {
		e.ok(CheckPorts, subject, "the system chooses the port (%s)", l.key)
		return false
	}
	if i := slices.IndexFunc(open, func(s openSocket) bool { return s.takes(at) }); i >= 0 {
		e.inUse(l, subject, open[i])
		return false
	}
	switch err := bind(l.network, at); {
	case err == nil:
		e.ok(CheckPorts, subject, "free (%s)", l.key)
		return true
	case errors.Is(err, syscall.EACCES):
		e.fail(CheckPorts, subject, "take a port above 1023, or give the product the capability CAP_NET_BIND_SERVICE", "this user may not listen there (%s)", l.key)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		e.fail(CheckPorts, subject, "set "+l.key+" to an address of this machine, or to 0.0.0.0", "this machine does not have the address (%s)", l.key)
	case errors.Is(err, syscall.EADDRINUSE):
		e.fail(CheckPorts, subject, "stop what uses it, or change "+l.key, "in use")
	default:
		e.fail(CheckPorts, subject, "see to "+l.key, "%v", err)
	}
	return false
}

func (e *examination) inUse(l listener, subject string, s openSocket) {
	h, seen := e.holderOf(s)
	switch {
	case !seen:
		e.warn(CheckPorts, subject, "run doctor as root to see whose it is; if it is not outpace, stop it or change "+l.key,
			"in use by a process of another user")
	case h.product:
		e.product = h.pid
		e.ok(CheckPorts, subject, "in use by the running product, %v (%s)", h, l.key)
	default:
		e.fail(CheckPorts, subject, "stop it, or change "+l.key, "in use by %v", h)
	}
}

// holderOf finds the process that has a socket; false where none is seen: it may be
// another user's.
func (e *examination) holderOf(s openSocket) (holder, bool) {
	pid, seen := e.owners[s.inode]
	if !seen {
		return holder{}, false
	}
	return readHolder(pid), true
}

func resolveListener(l listener) (netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(l.address)
	if err != nil {
		return netip.AddrPort{}, err
	}
	n, err := net.LookupPort(l.network, port)
	if err != nil {
		return netip.AddrPort{}, err
	}
	if host == "" {
		return netip.AddrPortFrom(netip.IPv6Unspecified(), uint16(n)), nil
	}
	ip, err := net.ResolveIPAddr("ip", host)
	if err != nil {
		return netip.AddrPort{}, err
	}
	addr, _ := netip.AddrFromSlice(ip.IP) // it is one
	return netip.AddrPortFrom(addr.Unmap(), uint16(n)), nil
}

// bind opens a port and closes it at once.
func bind(network string, at netip.AddrPort) error {
	if network == "udp" {
		conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
		if err == nil {
			err = conn.Close()
		}
		return err
	}
	l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(at))
	if err == nil {
		err = l.Close()
	}
	return err
}

// checkAudioPorts looks who else has ports of the range for audio. It does not open
// them: a running product may want one at that moment.
func (e *examination) checkAudioPorts(open []openSocket) {
	r := e.cfg.Media.Ports
	if r.Any {
		e.ok(CheckPorts, "audio", "the system chooses the ports (media.ports.any): a firewall must let all of them in")
		return
	}
	if r.From == 0 && r.To == 0 {
		r.From, r.To = 20000, 29999
	}
	subject := fmt.Sprintf("udp %d to %d", r.From, r.To)
	users, taken, others := map[string]bool{}, 0, 0
	for _, s := range open {
		if p := int(s.at.Port()); p < r.From || p > r.To {
			continue
		}
		taken++
		if h, seen := e.holderOf(s); !seen || !h.product {
			others++
			if seen {
				users[h.String()] = true
			}
		}
	}
	calls := (r.To - r.From + 1) / 2 / 2 // a pair for each of two legs
	f := Finding{Check: CheckPorts, Subject: subject, Verdict: OK, Figures: map[string]float64{"taken": float64(taken), "calls": float64(calls)}}
	f.Cause = fmt.Sprintf("room for the audio of %d calls, %d of the ports in use (media.ports)", calls, taken)
	switch {
	case calls < e.channels():
		f.Verdict, f.Next = Warn, "widen media.ports to four ports a channel"
		f.Cause += fmt.Sprintf("; the trunks have %d channels", e.channels())
	case others > 0:
		f.Verdict, f.Next = Warn, "move media.ports or them: each takes a place from a call"
		f.Cause += fmt.Sprintf("; %d are used by %s", others, strings.Join(namesOf(users), ", "))
	}
	e.tell(f)
	e.checkHandedOut(subject, r.From, r.To)
}

func namesOf(users map[string]bool) []string {
	if len(users) == 0 {
		return []string{"others"}
	}
	var all []string
	for u := range users {
		all = append(all, u)
	}
	slices.Sort(all)
	return all
}

// checkHandedOut warns where the system gives ports of the range to any program that
// asks for one.
func (e *examination) checkHandedOut(subject string, from, to int) {
	low, high, ok := handedOut()
	if !ok || to < low || from > high || reserved() != "" {
		return
	}
	e.warn(CheckPorts, subject, fmt.Sprintf("set media.ports outside %d to %d, or sysctl net.ipv4.ip_local_reserved_ports=%d-%d", low, high, from, to),
		"the system hands these ports to outgoing connections of any program, which then take them from calls")
}
