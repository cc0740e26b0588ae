package e2e

import (
	"bufio"
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/app"
)

// staged is a script of the console's tests that stops at its steps until it is told to
// go on.
type staged struct {
	in    io.Writer
	steps chan string     // closed when the script is over
	said  strings.Builder // besides its steps; whole once steps is closed
	err   error           // how the script ended; known once steps is closed
}

// stage starts a script. It is gone with the test.
func stage(t *testing.T, script string, limit time.Duration, env ...string) *staged {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), axeTakes(limit))
	s := &staged{steps: make(chan string)}
	cmd := consoleScript(ctx, script, env...)
	out, all := io.Pipe()
	cmd.Stdout, cmd.Stderr = all, all
	var err error
	s.in, err = cmd.StdinPipe()
	must(t, err)
	must(t, cmd.Start())
	go func() { all.CloseWithError(cmd.Wait()) }() // ends with the process, which ends with ctx
	over := make(chan struct{})
	go func() {
		defer close(over)
		defer close(s.steps)
		for lines := bufio.NewScanner(out); ; {
			if !lines.Scan() {
				s.err = lines.Err()
				return
			}
			step, is := strings.CutPrefix(lines.Text(), "step ")
			if !is {
				s.said.WriteString(lines.Text() + "\n")
				continue
			}
			select {
			case s.steps <- step:
			case <-ctx.Done(): // the test has failed and listens no more
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-over })
	return s
}

// at waits until the script is at a step, does what the test has to do there, and lets it
// go on.
func (s *staged) at(t *testing.T, want string, do func()) {
	t.Helper()
	step, ok := <-s.steps
	if !ok {
		t.Fatalf("the script ended before %q: %v\n%s", want, s.err, s.said.String())
	}
	if step != want {
		t.Fatalf("the script is at %q, want %q", step, want)
	}
	do()
	_, err := io.WriteString(s.in, "\n")
	must(t, err)
}

// end waits until the script is over, and wants that it found nothing.
func (s *staged) end(t *testing.T) {
	t.Helper()
	for step := range s.steps {
		t.Errorf("a step %q that nobody knows", step)
	}
	if s.err != nil {
		t.Fatalf("%v\n%s", s.err, s.said.String())
	}
	t.Log(s.said.String())
}

// TestConsoleTalk has an operator do with a talk at the built page what can be done with
// one, by keyboard, while a colleague's page shows the other side of it. Who hears whom
// is told by tones.
func TestConsoleTalk(t *testing.T) {
	needsConsole(t)
	t.Parallel()
	far := newLine(t)
	prompts := t.TempDir()
	writeWAV(t, filepath.Join(prompts, "our-song.wav"), tone(musicHz, 500))
	links := map[string]string{"Anna": "", "Bert": ""}
	p := newProduct(t, trunkText("line", far.Addr(), ""), func(s app.Store) {
		for name := range links {
			id := strings.ToLower(name)
			must(t, app.AddUser(t.Context(), s, app.NewUser{
				ID: campaigns.UserID(id), Name: name, Role: campaigns.RoleOperator, Password: apiPassword(id), PhonePassword: sipPassword(id),
			}))
			var err error
			links[name], err = app.NewLink(t.Context(), s, campaigns.UserID(id), time.Hour)
			must(t, err)
		}
		seedCampaign(t, s, campaigns.Campaign{
			ID: "talk", Trunks: "line", Detection: "off", HoldMusic: "our-song", TransferNumbers: []string{lawyerNumber, "+99977901*"},
			Wrap: campaigns.Wrap{Timeout: 10 * time.Minute},
		}, "+9997780001")
	})
	p.env = append(p.env, "OUTPACE_MEDIA__PROMPT_DIR="+prompts)
	p.serve(t)
	bert, handset := p.sitDown(t, "bert"), newSoftphone(t, p, "bert")
	must(t, bert.ask(t.Context(), "on-duty", nil))
	bertHears := speak("bert", bertHz, handset.takeLeg(t))
	_, err := bert.await(t.Context(), "paused", 15*time.Second)
	must(t, err)

	microphone := filepath.Join(t.TempDir(), "tone.wav")
	writeWAV(t, microphone, tone(annaHz, 60_000))
	page := stage(t, "talk.mjs", 5*time.Minute, "OUTPACE_LINK=http://"+p.http+"/desk#link="+links["Anna"],
		"OUTPACE_COLLEAGUE=http://"+p.http+"/desk#link="+links["Bert"], "OUTPACE_MICROPHONE="+microphone, "OUTPACE_OUTSIDE="+lawyerNumber)
	var customer, lawyer *voice
	page.at(t, "talking", func() {
		customer = far.answered(t, "+9997780001")
		customer.hears(t, annaHz)
	})
	page.at(t, "held", func() { customer.hears(t, musicHz) })
	page.at(t, "resumed", func() { customer.hears(t, annaHz) })
	page.at(t, "keys", func() {
		eventually(t, 5*time.Second, "keys at the customer's", func() (bool, any) {
			customer.mu.Lock()
			defer customer.mu.Unlock()
			return customer.digits == "12#", customer.digits
		})
	})
	page.at(t, "consulting", func() {
		lawyer = far.answered(t, lawyerNumber)
		lawyer.hears(t, annaHz)
		customer.hears(t, musicHz)
	})
	page.at(t, "conferring", func() { customer.hears(t, annaHz, lawyerHz) })
	page.at(t, "back", func() {
		ended(t, lawyer)
		customer.hears(t, annaHz)
		must(t, bert.ask(t.Context(), "ready", nil))
		_, err := bert.await(t.Context(), "ready", 15*time.Second)
		must(t, err)
	})
	page.at(t, "asked", func() {
		bertHears.hears(t, annaHz)
		customer.hears(t, musicHz)
	})
	page.at(t, "handed", func() {
		customer.hears(t, bertHz)
		bertHears.hears(t, customerHz)
	})
	page.end(t)
	must(t, bert.ask(t.Context(), "hangup", nil))
	ended(t, customer)
	p.stop(t)
}
