package config

import "github.com/outpace-dialer/outpace/sip"

// Signalling is the sockets of one SIP agent.
type Signalling struct {
	Listen   []Listener `yaml:"listen"`
	External string     `yaml:"external"` // host or host:port for Via and Contact
	TLS      TLS        `yaml:"tls"`      // for listeners of tls
}

// TLS are the files of one side's TLS, PEM. They are read again when they change.
type TLS struct {
	Certificate string `yaml:"certificate"` // with what it needs to be believed
	Key         string `yaml:"key"`
	Authorities string `yaml:"authorities"` // who may vouch for carriers; empty: those of the system
}

// Listener is one SIP socket.
type Listener struct {
	Transport string `yaml:"transport"` // udp, tcp or tls
	Address   string `yaml:"address"`   // ip:port
}

// Agent is the configuration of the SIP agent on these sockets.
func (s Signalling) Agent(name string) sip.Config {
	c := sip.Config{Name: name, External: s.External, UserAgent: "Outpace"}
	for _, l := range s.Listen {
		c.Listen = append(c.Listen, sip.Listener{Transport: l.Transport, Address: l.Address})
	}
	if s.TLS != (TLS{}) {
		c.TLS = &sip.TLS{Certificate: s.TLS.Certificate, Key: s.TLS.Key, Authorities: s.TLS.Authorities}
	}
	return c
}
