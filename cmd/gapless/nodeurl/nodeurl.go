// Package nodeurl checks the HTTP address of a node as people write it, so that a slip in it is not found as a riddle in some network error.
package nodeurl

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// example is what an address looks like.
const example = "http://127.0.0.1:7400"

// Base returns the address that paths are put behind: scheme and host, without a slash at the end. An error says what to write instead.
func Base(text string) (string, error) {
	if !strings.Contains(text, "://") {
		return "", fmt.Errorf("the address of a node %q has no scheme: write %s", text, guess(text))
	}
	if strings.Contains(text, ",") {
		return "", fmt.Errorf("the address of a node %q is a list: write one address, such as %s", text, text[:strings.Index(text, ",")])
	}
	u, err := url.Parse(text)
	var bad *url.Error
	if errors.As(err, &bad) {
		return "", fmt.Errorf("the address of a node is no URL (%w): write one such as %s", bad.Err, example) // without the text, which may have a password
	}
	base := (&url.URL{Scheme: u.Scheme, Host: u.Host}).String()
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return "", fmt.Errorf("the address of a node %q has the scheme %s: write http or https, such as %s", text, u.Scheme, example)
	case u.Hostname() == "":
		return "", fmt.Errorf("the address of a node %q has no host: write one such as %s", text, example)
	case u.User != nil:
		return "", fmt.Errorf("the address of a node %q has a user: write %s, and who asks with a token", u.Redacted(), base)
	case strings.Trim(u.Path, "/") != "":
		return "", fmt.Errorf("the address of a node %q has the path %s: write %s, the paths are known", text, u.Path, base)
	case strings.ContainsAny(text, "?#"):
		return "", fmt.Errorf("the address of a node %q has more than a host and a port: write %s", text, base)
	}
	return base, nil
}

// guess is what somebody meant who left the scheme out.
func guess(text string) string {
	if u, err := url.Parse("http://" + text); err == nil && u.Hostname() != "" && !strings.ContainsAny(text, ", ") {
		return "http://" + u.Host
	}
	return "one such as " + example
}
