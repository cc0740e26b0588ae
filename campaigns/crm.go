package campaigns

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// CRM is the page about a person in a system of somebody else.
type CRM struct {
	// URL is http or https, with names in braces: {phone}, {id} (ours), {external_id},
	// {name}, {list}, {campaign}, {attempt}, {operator}, or a custom field of the lead.
	URL  string `json:"url,omitempty"`
	Auto bool   `json:"auto,omitempty"` // it opens by itself when a person comes; else where the operator asks
}

const maxCRMURL = 2000

var placeholder = regexp.MustCompile(`\{([^{}]+)\}`)

// Fill puts values into the URL, escaped so that none of them can leave its place. It is
// empty where there is no URL, or a value would move it to another path.
func (c CRM) Fill(value func(name string) string) string {
	filled := placeholder.ReplaceAllStringFunc(c.URL, func(name string) string {
		// A space as %20 is understood in a path and in a query alike.
		return strings.ReplaceAll(url.QueryEscape(value(name[1:len(name)-1])), "+", "%20")
	})
	u, err := url.Parse(filled)
	if err != nil || dots(u.Path) != dots(placeholder.ReplaceAllString(c.path(), "x")) {
		return ""
	}
	return filled
}

// path is what stands before query and fragment.
func (c CRM) path() string { return c.URL[:strings.IndexAny(c.URL+"?", "?#")] }

// dots counts the parts of a path that lead elsewhere.
func dots(path string) (n int) {
	for part := range strings.SplitSeq(path, "/") {
		if part == "." || part == ".." {
			n++
		}
	}
	return n
}

func (c CRM) validate(p *problems) {
	if problem := c.wrong(); problem != "" {
		p.add("crm.url", "%s", problem)
	}
}

// wrong says why the URL is none; empty where it is one, or there is none.
func (c CRM) wrong() string {
	if c.URL == "" {
		return ""
	}
	u, err := url.Parse(placeholder.ReplaceAllString(c.URL, "x"))
	fixed, _, _ := strings.Cut(c.URL, "{")
	_, host, _ := strings.Cut(fixed, "://")
	switch {
	case len(c.URL) > maxCRMURL:
		return fmt.Sprintf("it has more than %d characters", maxCRMURL)
	case err != nil || !slices.Contains([]string{"http", "https"}, u.Scheme) || u.Host == "" || u.User != nil:
		return fmt.Sprintf("%q is not an http or https address", c.URL)
	case strings.ContainsAny(placeholder.ReplaceAllString(c.URL, ""), "{}"):
		return "a brace has no other one"
	case fixed != c.URL && !strings.ContainsAny(host, "/?#"):
		return "names in braces stand behind the host"
	}
	return ""
}
