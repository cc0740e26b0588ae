package phone

import (
	"errors"
	"testing"
	"time"
)

func TestRegisterAnswersTheChallenge(t *testing.T) {
	type binding struct {
		user, contact string
		bound         bool
	}
	for _, transport := range []string{"udp", "tcp"} {
		for _, sha := range []bool{false, true} {
			bindings := make(chan binding, 2)
			registrar, _ := run(t, Config{TCP: true, Challenge: &Challenge{Password: "secret", Realm: "far", SHA256: sha},
				OnRegister: func(user, contact string, bound bool) { bindings <- binding{user, contact, bound} }})
			p, _ := run(t, Config{User: "anna", Password: "secret", Registrar: registrar.Addr(), Transport: transport})
			r, granted, err := p.Register(t.Context(), time.Minute)
			if err != nil || granted != time.Minute {
				t.Fatalf("register over %s: granted %v, %v", transport, granted, err)
			}
			if got, want := <-bindings, (binding{"anna", p.Addr(), true}); got != want {
				t.Errorf("binding = %+v, want %+v", got, want)
			}
			if _, err := r.Refresh(t.Context(), 0); err != nil {
				t.Errorf("unregister: %v", err)
			}
			if got := <-bindings; got.bound {
				t.Errorf("binding = %+v after unregistering", got)
			}
		}
	}
}

func TestRegisterTellsARefusal(t *testing.T) {
	far, _ := run(t, Config{})
	strict, _ := run(t, Config{Challenge: &Challenge{Password: "secret", Realm: "far"}, OnRegister: func(string, string, bool) {}})
	for registrar, code := range map[string]int{far.Addr(): 405, strict.Addr(): 401} {
		p, _ := run(t, Config{Registrar: registrar, Password: "wrong"})
		_, _, err := p.Register(t.Context(), time.Minute)
		var status *StatusError
		if !errors.As(err, &status) || status.Code != code {
			t.Errorf("err = %v, want %d", err, code)
		}
	}
}
