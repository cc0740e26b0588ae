package campaigns

import (
	"net/url"
	"strings"
	"testing"
)

func TestCRMFill(t *testing.T) {
	values := map[string]string{
		"phone": "+48225550123", "name": `Zoë & Co "x"?#=`, "external_id": "A/7", "up": "..", "script": `javascript:alert(1)`,
	}
	for _, c := range []struct{ url, want string }{
		{"https://crm/pop?phone={phone}&id={external_id}", "https://crm/pop?phone=%2B48225550123&id=A%2F7"},
		{"https://crm/{external_id}/{name}", "https://crm/A%2F7/Zo%C3%AB%20%26%20Co%20%22x%22%3F%23%3D"},
		{"http://crm:8080/#/{phone}/{nothing}", "http://crm:8080/#/%2B48225550123/"},
		{"https://crm/{script}", "https://crm/javascript%3Aalert%281%29"},
		{"https://crm/a/{up}/b", ""},
		{"https://crm/a/{up}{external_id}", "https://crm/a/..A%2F7"},
		{"https://crm/../a/{phone}", "https://crm/../a/%2B48225550123"},
		{"", ""},
	} {
		if got := (CRM{URL: c.url}).Fill(func(name string) string { return values[name] }); got != c.want {
			t.Errorf("%s: %q, want %q", c.url, got, c.want)
		}
	}
}

// FuzzCRMFill has no value leave its place: scheme, host and everything that the template
// fixes stay as they are.
func FuzzCRMFill(f *testing.F) {
	f.Add("..", "javascript:alert(1)//")
	f.Add("a/../..", "\"><script>")
	f.Fuzz(func(t *testing.T, id, phone string) {
		filled := CRM{URL: "https://crm.example/people/{id}/card?phone={phone}&from=dialer#top"}.Fill(func(name string) string {
			return map[string]string{"id": id, "phone": phone}[name]
		})
		if filled == "" {
			return
		}
		u, err := url.Parse(filled)
		if err != nil || u.Scheme != "https" || u.Host != "crm.example" || u.Fragment != "top" || u.User != nil {
			t.Fatalf("%q %q: %q %v", id, phone, filled, err)
		}
		parts := strings.Split(u.EscapedPath(), "/")
		if q := u.Query(); len(parts) != 4 || parts[1] != "people" || parts[3] != "card" || len(q) != 2 || q.Get("from") != "dialer" || q.Get("phone") != phone {
			t.Errorf("%q %q: %q", id, phone, filled)
		}
	})
}

func TestCRMProblems(t *testing.T) {
	for address, good := range map[string]bool{
		"": true, "https://crm.example/pop?phone={phone}&{custom field}=1": true, "http://10.0.0.7:81?{id}": true, "https://crm/a b": true,
		"javascript:alert({phone})": false, "data:text/html,{name}": false, "//crm/{phone}": false, "crm.example/{phone}": false,
		"https://{name}/": false, "https://crm{phone}/": false, "HTTPS://crm{phone}/": false, "https://crm:80{id}/": false,
		"https://me:secret@crm/": false, "https://crm/{phone": false, "https://crm/phone}": false, "https://crm/{}": false, "https:///x": false,
	} {
		if wrong := (CRM{URL: address}).wrong(); (wrong == "") != good {
			t.Errorf("%q: %q, want good %v", address, wrong, good)
		}
	}
}
