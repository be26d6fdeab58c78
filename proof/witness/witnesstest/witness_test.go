package witnesstest

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/gaplessdb/gapless/proof/sign"
)

func keyOf(t *testing.T, name string) sign.Key {
	t.Helper()
	seed := sha256.Sum256([]byte(name))
	k, err := sign.Generate(bytes.NewReader(seed[:]))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Every rule of the specification, with the status that it gives.
func TestFollowsTheSpecification(t *testing.T) {
	const origin = "example.com/log"
	lg, err := keyOf(t, "log").LogSigner(origin)
	if err != nil {
		t.Fatal(err)
	}
	known, err := keyOf(t, "log").LogVerifierKey(origin)
	if err != nil {
		t.Fatal(err)
	}
	w, err := New("w.example", keyOf(t, "w"), time.Now, known)
	if err != nil {
		t.Fatal(err)
	}
	var stored []tlog.Hash
	read := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var hs []tlog.Hash
		for _, i := range indexes {
			hs = append(hs, stored[i])
		}
		return hs, nil
	})
	for i := range int64(20) {
		hs, err := tlog.StoredHashes(i, fmt.Appendf(nil, "%d", i), read)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, hs...)
	}
	note := func(origin string, size int64, forged bool) string {
		root, err := tlog.TreeHash(size, read)
		if err != nil {
			t.Fatal(err)
		}
		if forged {
			root[0] ^= 1
		}
		msg, err := sign.SignCheckpoint(sign.Checkpoint{Origin: origin, Size: size, Root: root})
		if origin == "example.com/log" {
			msg, err = sign.SignCheckpoint(sign.Checkpoint{Origin: origin, Size: size, Root: root}, lg)
		}
		if err != nil {
			t.Fatal(err)
		}
		return string(msg)
	}
	proof := func(size, old int64) string {
		p, err := tlog.ProveTree(size, old, read)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, h := range p {
			b.WriteString(h.String() + "\n")
		}
		return b.String()
	}
	stranger := strings.Replace(note(origin, 5, false), "— example.com/log ", "— example.com/other ", 1)
	for _, tt := range []struct {
		name, body string
		status     int
		answer     string // its beginning
	}{
		{"no old size", "\n" + note(origin, 5, false), 400, ""},
		{"a size with zeros", "old 00\n\n" + note(origin, 5, false), 400, ""},
		{"no empty line", "old 0\n", 400, ""},
		{"a proof that is none", "old 0\nhello\n\n" + note(origin, 5, false), 400, ""},
		{"a proof of 64 lines", "old 0\n" + strings.Repeat(tlog.Hash{}.String()+"\n", 64) + "\n" + note(origin, 5, false), 400, ""},
		{"no checkpoint", "old 0\n\nhello\n\n— x AAAAAAAA\n", 400, ""},
		{"an unknown log", "old 0\n\n" + note("example.com/x", 5, false) + "— x AAAAAAAA\n", 404, ""},
		{"an unknown key", "old 0\n\n" + stranger, 403, ""},
		{"an old size beyond", "old 6\n\n" + note(origin, 5, false), 400, ""},
		{"another old size", "old 3\n" + proof(5, 3) + "\n" + note(origin, 5, false), 409, "0\n"},
		{"a proof from nothing", "old 0\n" + proof(5, 3) + "\n" + note(origin, 5, false), 422, ""},
		{"the first", "old 0\n\n" + note(origin, 5, false), 200, "— w.example "},
		{"the first again", "old 0\n\n" + note(origin, 5, false), 409, "5\n"},
		{"the same", "old 5\n\n" + note(origin, 5, false), 200, "— w.example "},
		{"another root", "old 5\n\n" + note(origin, 5, true), 409, "another"},
		{"no proof", "old 5\n\n" + note(origin, 13, false), 422, ""},
		{"another proof", "old 5\n" + proof(13, 6) + "\n" + note(origin, 13, false), 422, ""},
		{"another history", "old 5\n" + proof(13, 5) + "\n" + note(origin, 13, true), 422, ""},
		{"the next", "old 5\n" + proof(13, 5) + "\n" + note(origin, 13, false), 200, "— w.example "},
		{"an older one", "old 5\n\n" + note(origin, 5, false), 409, "13\n"},
	} {
		rec := httptest.NewRecorder()
		w.ServeHTTP(rec, httptest.NewRequest("POST", "/add-checkpoint", strings.NewReader(tt.body)))
		if rec.Code != tt.status || !strings.HasPrefix(rec.Body.String(), tt.answer) {
			t.Errorf("%s: %d %q, want %d %q", tt.name, rec.Code, rec.Body, tt.status, tt.answer)
		}
		if sized := rec.Header().Get("Content-Type") == "text/x.tlog.size"; sized != (tt.status == 409 && tt.answer != "another") {
			t.Errorf("%s: content type %q", tt.name, rec.Header().Get("Content-Type"))
		}
	}
	if c, ok := w.Latest(origin); !ok || c.Size != 13 {
		t.Errorf("at %+v, %v", c, ok)
	}
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, httptest.NewRequest("GET", "/add-checkpoint", nil))
	if rec.Code != 404 {
		t.Errorf("GET: %d", rec.Code)
	}
}
