package door

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

// Who asks is told by proxies that are trusted, and by nobody else.
func TestProxies(t *testing.T) {
	ours := Proxies{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, tc := range []struct {
		name, peer string
		said       []string
		want       string
	}{
		{"no proxy", "203.0.113.7:4000", nil, "203.0.113.7:4000"},
		{"a stranger says who he is", "203.0.113.7:4000", []string{"192.0.2.1"}, "203.0.113.7:4000"},
		{"by a proxy", "10.0.0.2:4000", []string{"203.0.113.7"}, "203.0.113.7:0"},
		{"by a proxy that is mapped", "[::ffff:10.0.0.2]:4000", []string{"203.0.113.7"}, "203.0.113.7:0"},
		{"by two", "10.0.0.2:4000", []string{"203.0.113.7, 10.0.0.9"}, "203.0.113.7:0"},
		{"what the browser made up stands first", "10.0.0.2:4000", []string{"192.0.2.1, 203.0.113.7"}, "203.0.113.7:0"},
		{"in two headers", "10.0.0.2:4000", []string{"192.0.2.1", "203.0.113.7"}, "203.0.113.7:0"},
		{"with a port", "10.0.0.2:4000", []string{"203.0.113.7:5555"}, "203.0.113.7:0"},
		{"IPv6", "[fd00::2]:4000", []string{"2001:db8::7"}, "[2001:db8::7]:0"},
		{"IPv6 with a port", "[fd00::2]:4000", []string{"[2001:db8::7]:5555"}, "[2001:db8::7]:0"},
		{"mapped", "10.0.0.2:4000", []string{"::ffff:203.0.113.7"}, "203.0.113.7:0"},
		{"a proxy that says nothing", "10.0.0.2:4000", nil, "10.0.0.2:4000"},
		{"only proxies", "10.0.0.2:4000", []string{"10.0.0.3"}, "10.0.0.2:4000"},
		{"no address", "10.0.0.2:4000", []string{"unknown"}, "10.0.0.2:4000"},
		{"no address behind one of ours", "10.0.0.2:4000", []string{"203.0.113.7, x, 10.0.0.3"}, "10.0.0.2:4000"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got string
			h := ours.Known(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RemoteAddr }))
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = tc.peer
			r.Header["X-Forwarded-For"] = tc.said
			h.ServeHTTP(httptest.NewRecorder(), r)
			if got != tc.want {
				t.Errorf("asked by %s, want %s", got, tc.want)
			}
		})
	}
}
