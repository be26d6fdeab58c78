package nodeurl

import (
	"strings"
	"testing"
)

func TestBase(t *testing.T) {
	for text, want := range map[string]string{
		"http://127.0.0.1:7400":     "http://127.0.0.1:7400",
		"http://127.0.0.1:7400/":    "http://127.0.0.1:7400",
		"HTTPS://Plant.example//":   "https://Plant.example",
		"http://[::1]:7400":         "http://[::1]:7400",
		"http://[fe80::1%25eth0]:1": "http://[fe80::1%25eth0]:1",
	} {
		if got, err := Base(text); got != want || err != nil {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
}

// TestBaseSaysWhatToWrite: an error has what is wrong, and an address that would do.
func TestBaseSaysWhatToWrite(t *testing.T) {
	for text, says := range map[string]string{
		"":                                "has no scheme: write one such as http://127.0.0.1:7400",
		"localhost:7400":                  `"localhost:7400" has no scheme: write http://localhost:7400`,
		"127.0.0.1:7400":                  "has no scheme: write http://127.0.0.1:7400",
		"n1":                              "has no scheme: write http://n1",
		"n1:7400/v1":                      "has no scheme: write http://n1:7400",
		"n 1":                             "has no scheme: write one such as http://127.0.0.1:7400",
		"n1:7400,n2:7400":                 "has no scheme: write one such as http://127.0.0.1:7400",
		"://n1":                           "is no URL",
		"tcp://n1:7400":                   "has the scheme tcp: write http or https",
		"http://":                         "has no host",
		"http://:7400":                    "has no host",
		"http://n1:port":                  "is no URL",
		"http://%zz":                      "is no URL",
		"http://n1:7400,http://n2:7400":   "is a list: write one address, such as http://n1:7400",
		"http://n1:7400/v1/frames":        "has the path /v1/frames: write http://n1:7400",
		"http://n1:7400?tenant=a":         "more than a host and a port: write http://n1:7400",
		"http://n1:7400/#top":             "more than a host and a port: write http://n1:7400",
		"http://ops:secret@n1:7400":       "has a user: write http://n1:7400",
		"http://ops:secret@n1:port":       "is no URL",
		"https://n1:7400/" + "\x7f" + "x": "is no URL",
	} {
		got, err := Base(text)
		if err == nil || got != "" || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %q, %v, want %q", text, got, err, says)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: the error has the password: %v", text, err)
		}
	}
}
