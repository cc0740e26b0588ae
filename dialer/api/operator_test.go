package api

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/redis"
	"github.com/outpace-dialer/outpace/dialer"
)

// TestOperatorCommands sends each command as olga, with somebody else's name in
// the request: the engine hears hers.
func TestOperatorCommands(t *testing.T) {
	w := newWorld(t)
	w.fill(t)
	for _, c := range []struct {
		path string
		body any
		want string
	}{
		{"on-duty", nil, "OnDuty olga"},
		{"on-duty", map[string]string{"campaign": "spring"}, "OnDuty olga spring"},
		{"ready", nil, "Ready olga"},
		{"pause", map[string]string{"reason": "lunch"}, "Pause olga lunch"},
		{"stage", map[string]string{"attempt": "a1", "stage": "form"}, "Stage olga a1 form"},
		{"hangup", nil, "HangUp olga"},
		{"hold", nil, "Hold olga"},
		{"resume", nil, "Resume olga"},
		{"mute", nil, "Mute olga"},
		{"unmute", nil, "Unmute olga"},
		{"digits", map[string]string{"digits": "12#"}, "SendDigits olga 12#"},
		{"consult", map[string]any{"to": map[string]string{"operator": "bob"}}, "Consult olga bob||"},
		{"consult", map[string]any{"to": map[string]string{"campaign": "autumn"}}, "Consult olga |autumn|"},
		{"consult", map[string]any{"to": map[string]string{"number": "+12025550100"}}, "Consult olga ||+12025550100"},
		{"confer", nil, "Confer olga"},
		{"return", nil, "Return olga"},
		{"machine", nil, "MachineAnswered olga"},
		{"machine", map[string]string{"attempt": "a1"}, "MachineAnswered olga a1"},
		{"transfer", nil, "Transfer olga"},
		{"transfer", map[string]any{"to": map[string]string{"operator": "bob"}}, "Transfer olga bob||"},
		{"dial", nil, "DialPreview olga"},
		{"skip", nil, "SkipPreview olga"},
		{"disposition", map[string]string{"disposition": "sale"}, "Dispose olga sale"},
		{"off-duty", nil, "OffDuty olga"},
	} {
		before := len(w.engine.heard())
		w.as(t, "olga", "POST", "/api/v1/operator/"+c.path+"?user=peter&id=peter", c.body).want(t, noContent)
		if told := w.engine.heard()[before:]; !slices.Equal(told, []string{c.want}) {
			t.Errorf("%s: engine was told %q, want %q", c.path, told, c.want)
		}
	}
}

// Who is on duty at another node is told at which.
func TestOnDutyElsewhere(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		err    error
		status int
		want   string
	}{
		{&campaigns.OnDutyElsewhere{User: "olga", Node: "dialer-2"}, 409, `operator \"olga\" is on duty at node \"dialer-2\": go off duty there first`},
		{fmt.Errorf("duty: %w", campaigns.ErrNodeLost), 503, "cut off from the store"},
	} {
		w.engine.fail(c.err)
		if got := w.as(t, "olga", "POST", "/api/v1/operator/on-duty", nil).want(t, c.status); !strings.Contains(got.body, c.want) {
			t.Errorf("%v: %s", c.err, got.body)
		}
	}
}

func TestDisposition(t *testing.T) {
	w := newWorld(t)
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	w.as(t, "olga", "POST", "/api/v1/operator/disposition", map[string]any{
		"attempt": "a1", "disposition": "callback", "note": "after ten", "callback_at": at, "personal": true,
		"fields": map[string]string{"until": "2027-01-31"},
	}).want(t, noContent)
	want := dialer.Said{Attempt: "a1", Disposition: "callback", Note: "after ten", CallbackAt: at, Personal: true, Fields: map[string]string{"until": "2027-01-31"}}
	if diff := cmp.Diff(want, w.engine.said); diff != "" {
		t.Errorf("said (-want +got):\n%s", diff)
	}
	for _, body := range []string{
		`{}`, `{"disposition":""}`, `{"disposition":"sale","callback_at":"tomorrow"}`, `{"disposition":7}`, `{"disposition":"sale","user":"peter"}`,
	} {
		w.as(t, "olga", "POST", "/api/v1/operator/disposition", body).want(t, 422)
	}
	w.as(t, "olga", "POST", "/api/v1/operator/disposition", `{"disposition":`).want(t, 400)
}

// TestEngineErrors has one row for each error of a command.
func TestEngineErrors(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		err  error
		want int
	}{
		{dialer.ErrNoPhone, 409}, {dialer.ErrState, 409}, {dialer.ErrNoCall, 409}, {dialer.ErrNotYours, 409}, {dialer.ErrNoPreview, 409},
		{campaigns.ErrConflict, 409},
		{dialer.ErrUnknown, 422}, {dialer.ErrNeedsTime, 422}, {&campaigns.FieldError{Field: "pacing.mode", Problem: "x"}, 422},
		{dialer.ErrNotReady, 409}, {dialer.ErrNoChannel, 409}, {dialer.ErrForbidden, 403},
		{dialer.ErrNotHere, 404}, {campaigns.ErrNotFound, 404},
		{dialer.ErrStopped, 503}, {redis.ErrUnavailable, 503},
		{campaigns.ErrFull, 507}, {syscall.ENOSPC, 507}, {syscall.EDQUOT, 507},
		{errors.New("secret of the inside"), 500},
	} {
		w.engine.fail(fmt.Errorf("wrapped: %w", c.err))
		got := w.as(t, "olga", "POST", "/api/v1/operator/disposition", map[string]string{"disposition": "sale"}).want(t, c.want)
		if typ := got.header.Get("Content-Type"); typ != "application/problem+json" {
			t.Errorf("%v: content type %q, want RFC 9457's", c.err, typ)
		}
		if shown := strings.Contains(got.body, c.err.Error()); shown != (c.want < 500) {
			t.Errorf("%v: %s", c.err, got.body)
		}
	}
}

func TestUsers(t *testing.T) {
	w := newWorld(t)
	w.as(t, "ada", "PUT", "/api/v1/users/nina", map[string]any{
		"name": "Nina", "role": "operator", "password": password, "phone_password": "phone-secret", "pin": "1234",
	}).want(t, noContent)
	u, err := w.store.User(t.Context(), "nina")
	if err != nil {
		t.Fatal(err)
	}
	if !VerifyPassword(u.PasswordHash, password) || !VerifyPassword(u.PINHash, "1234") || u.SIPMD5 != "md5 of phone-secret" {
		t.Errorf("user = %+v", u)
	}
	w.as(t, "ada", "PUT", "/api/v1/users/nina", map[string]any{"name": "Nina", "role": "manager"}).want(t, noContent)
	again, err := w.store.User(t.Context(), "nina")
	if err != nil || again.PasswordHash != u.PasswordHash || again.SIPMD5 != u.SIPMD5 || again.Role != campaigns.RoleManager || !again.CreatedAt.Equal(u.CreatedAt) {
		t.Errorf("changed to %+v (%v), want the secrets kept", again, err)
	}
	for path, body := range map[string]map[string]any{
		"Nina": {"name": "x", "role": "operator"}, "nina": {"name": "x", "role": "owner"}, "nino": {"name": "x", "role": "operator", "password": "short"},
		"nils": {"name": "x", "role": "operator", "pin": "12ab"},
	} {
		w.as(t, "ada", "PUT", "/api/v1/users/"+path, body).want(t, 422)
	}
	for _, path := range []string{"/api/v1/users", "/api/v1/audit"} {
		got := w.as(t, "ada", "GET", path, nil).want(t, 200)
		if !strings.Contains(got.body, "nina") || strings.Contains(got.body, "argon2") || strings.Contains(got.body, "md5 of") {
			t.Errorf("%s = %s", path, got.body)
		}
	}
}

// TestDisabledUserGetsNoCalls takes who may not sign in any more off duty.
func TestDisabledUserGetsNoCalls(t *testing.T) {
	w := newWorld(t)
	disabled := map[string]any{"name": "Olga", "role": "operator", "disabled": true}
	w.as(t, "ada", "PUT", "/api/v1/users/olga", disabled).want(t, noContent)
	if told := w.engine.heard(); !slices.Equal(told, []string{"OffDuty olga"}) {
		t.Errorf("engine was told %q", told)
	}
	w.as(t, "olga", "GET", "/api/v1/me", nil).want(t, 401)
	w.engine.fail(dialer.ErrState) // off duty already
	w.as(t, "ada", "PUT", "/api/v1/users/olga", disabled).want(t, noContent)
}

func TestRecordings(t *testing.T) {
	w := newWorld(t)
	w.fill(t)
	got := w.as(t, "mia", "GET", "/api/v1/recordings/a1", nil).want(t, 200)
	if got.body != "RIFF0123456789" || got.header.Get("Content-Type") != "audio/wav" {
		t.Errorf("recording = %q (%s)", got.body, got.header.Get("Content-Type"))
	}
	part := w.send(t, w.tokens["mia"], "GET", "/api/v1/recordings/a1", nil, http.Header{"Range": {"bytes=4-7"}}).want(t, 206)
	if part.body != "0123" || part.header.Get("Content-Range") != "bytes 4-7/14" {
		t.Errorf("range = %q, %q", part.body, part.header.Get("Content-Range"))
	}
	for _, id := range []string{"a2", "..%2Fstore.db", "2026%2Fa1.wav", "%2Fetc%2Fpasswd"} {
		w.as(t, "mia", "GET", "/api/v1/recordings/"+id, nil).want(t, 404)
	}
	if want := []string{"2026/a1.wav", "2026/a1.wav"}; !slices.Equal(w.recordings.asked, want) {
		t.Errorf("opened %q, want %q: the path comes from the store", w.recordings.asked, want)
	}
	if plays := w.audited(t, "recording.play"); len(plays) != 2 || plays[0].By != "mia" || plays[0].Object != "a1" || plays[0].From != "127.0.0.1" {
		t.Errorf("audited = %+v, want two plays of a1 by mia", plays)
	}
}

// audited are the audit entries of one action, newest first.
func (w *world) audited(t *testing.T, action string) []campaigns.AuditEntry {
	t.Helper()
	all, err := w.store.AuditLog(t.Context(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(e campaigns.AuditEntry) bool { return e.Action != action })
}
