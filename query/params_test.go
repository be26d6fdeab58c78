package query

import (
	"errors"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
)

func parsed(t *testing.T, query string, known ...string) params {
	t.Helper()
	var args fasthttp.Args
	args.Parse(query)
	p, err := parseParams(&args, known)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestDigestCoversWhatSelects(t *testing.T) {
	known := []string{"device", "prefix", "stream", "limit", "cursor"}
	base := parsed(t, "device=a&stream=s", known...).digest("t1", "frames", "")
	for _, tt := range []struct {
		name                         string
		query, tenant, route, device string
		same                         bool
	}{
		{"order of parameters", "stream=s&device=a", "t1", "frames", "", true},
		{"limit and cursor", "stream=s&device=a&limit=5&cursor=x", "t1", "frames", "", true},
		{"the common ones", "stream=s&device=a&consistency=stale&after=p&require=complete", "t1", "frames", "", true},
		{"another value", "device=b&stream=s", "t1", "frames", "", false},
		{"another name", "device=a&prefix=s", "t1", "frames", "", false},
		{"one less", "device=a", "t1", "frames", "", false},
		{"two of one", "device=a&device=a&stream=s", "t1", "frames", "", false},
		{"another tenant", "device=a&stream=s", "t2", "frames", "", false},
		{"another route", "device=a&stream=s", "t1", "gaps", "", false},
		{"a device in the path", "device=a&stream=s", "t1", "frames", "a", false},
		{"text that moves between two names", "device=astream&stream=", "t1", "frames", "", false},
	} {
		got := parsed(t, tt.query, known...).digest(tt.tenant, tt.route, tt.device)
		if (got == base) != tt.same {
			t.Errorf("%s: equal is %v, want %v", tt.name, got == base, tt.same)
		}
	}
}

func TestParameterErrors(t *testing.T) {
	for _, tt := range []struct {
		query, code, message, hint string
	}{
		{"colour=red", "unknown_parameter", `"colour"`, "prefix, limit, cursor, consistency, after, require"},
		{"limit=1&limit=2", "bad_parameter", "limit", "given twice"},
	} {
		var args fasthttp.Args
		args.Parse(tt.query)
		_, err := parseParams(&args, []string{"prefix", "limit", "cursor"})
		checkError(t, tt.query, err, tt.code, tt.message, tt.hint)
	}
}

func checkError(t *testing.T, name string, err error, code, message, hint string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Code != code || !strings.Contains(e.Message, message) || !strings.Contains(e.Hint, hint) {
		t.Errorf("%s: %#v, want %s, a message with %q, a hint with %q", name, err, code, message, hint)
	}
}
