package trunk

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/outpace-dialer/outpace/sip"
	"github.com/outpace-dialer/outpace/sip/resolver"
)

// Server is one server of a carrier as requests outside any call reach it.
type Server struct {
	Name       string // host as it stands in the configuration
	Named      bool   // Name was looked up, else it is an address
	Address    string // "192.0.2.1:5060"
	Transport  string
	RequestURI string
	Target     bool // takes calls
	Registrar  bool // takes our registration

	binding sip.Binding
}

// Servers looks up all servers of a carrier, best first of each name. An error
// names what was not found; the servers of the other names come with it.
func Servers(ctx context.Context, cfg Config, names Resolver) ([]Server, error) {
	c := newCarrier(cfg.withDefaults())
	var all []Server
	var errs []error
	for _, p := range c.everyPlace() {
		if err := p.lookUp(ctx, names); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", p.Address, err))
		}
		for i, tg := range p.targets {
			s := Server{
				Name: p.host, Named: !p.fixed, Address: tg.address, Transport: tg.transport, RequestURI: tg.requestURI("", cfg.Domain, tg.transport),
				Target: p != c.registrar || p == c.places[0], Registrar: p == c.registrar,
			}
			if s.Registrar {
				s.binding.Credentials = c.credentials()
				c.at(&s.binding, i)
			}
			all = append(all, s)
		}
	}
	return all, errors.Join(errs...)
}

// lookUp sets the servers that the name of a place stands for.
func (p *place) lookUp(ctx context.Context, names Resolver) error {
	if p.fixed {
		return nil
	}
	within, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	servers, _, err := names.Resolve(within, resolver.Query{Host: p.host, Port: p.port, Transport: p.Transport})
	if err == nil {
		p.set(servers)
	}
	return err
}

// Binding is what the carrier's registrar there is asked about; for a Registrar
// only.
func (s Server) Binding() *sip.Binding {
	b := s.binding
	return &b
}

// Expires is how long a registration is asked for.
func (c Config) Expires() time.Duration { return c.withDefaults().Register.Expires }
