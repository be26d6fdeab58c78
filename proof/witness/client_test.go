package witness

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/gaplessdb/gapless/proof/sign"
	"github.com/gaplessdb/gapless/proof/tiles"
	"github.com/gaplessdb/gapless/proof/witness/witnesstest"
	"github.com/gaplessdb/gapless/vfs"
)

const origin = "gapless/0123456789abcdef"

func keyOf(t *testing.T, name string) sign.Key {
	t.Helper()
	seed := sha256.Sum256([]byte(name))
	k, err := sign.Generate(bytes.NewReader(seed[:]))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// logOf is a log of n records.
func logOf(t *testing.T, salt string, n int64) *tiles.Store {
	t.Helper()
	s, err := tiles.Open(vfs.NewMem(), "hashes")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	for i := range n {
		if err := s.Append(tlog.RecordHash(fmt.Appendf(nil, "%s %d", salt, i))); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// noteOf is the checkpoint of a log at a size, signed with that key in the name of the log.
func noteOf(t *testing.T, s *tiles.Store, size int64, key string) (sign.Checkpoint, []byte) {
	t.Helper()
	root, err := s.Root(size)
	if err != nil {
		t.Fatal(err)
	}
	lg, err := keyOf(t, key).LogSigner(origin)
	if err != nil {
		t.Fatal(err)
	}
	cp := sign.Checkpoint{Origin: origin, Size: size, Root: root}
	note, err := sign.SignCheckpoint(cp, lg)
	if err != nil {
		t.Fatal(err)
	}
	return cp, note
}

func witnessOf(t *testing.T) *witnesstest.Witness {
	t.Helper()
	lg, err := keyOf(t, "n1").LogVerifierKey(origin)
	if err != nil {
		t.Fatal(err)
	}
	w, err := witnesstest.New("w.example/1", keyOf(t, "witness"), func() time.Time { return time.Unix(1700000000, 0) }, lg)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// clientOf is a client of whatever handler stands for the witness.
func clientOf(t *testing.T, h http.Handler, opt Options) *Client {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	key, err := keyOf(t, "witness").VerifierKey("w.example/1")
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(srv.URL+"/some/prefix/", []string{key.String()}, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestAdd(t *testing.T) {
	s, w := logOf(t, "a", 1000), witnessOf(t)
	c := clientOf(t, w, Options{})
	for _, size := range []int64{1, 2, 3, 3, 7, 8, 64, 100, 999, 1000} {
		cp, note := noteOf(t, s, size, "n1")
		sigs, err := c.Add(t.Context(), note, s)
		if err != nil || len(sigs) != 1 || sigs[0].Key.String() != w.VerifierKey() || sigs[0].Time.Unix() != 1700000000 {
			t.Fatalf("at %d: %+v, %v", size, sigs, err)
		}
		if latest, _ := w.Latest(origin); latest != cp {
			t.Fatalf("the witness holds %+v, want %+v", latest, cp)
		}
	}
	if w.Asked() != 10 {
		t.Errorf("asked %d times for 10 checkpoints", w.Asked())
	}
	// A client that knows nothing learns where the witness is, and a note with the cosignature satisfies a policy that wants it.
	fresh := clientOf(t, w, Options{})
	cp, note := noteOf(t, s, 1000, "n1")
	sigs, err := fresh.Add(t.Context(), note, s)
	if err != nil || w.Asked() != 12 {
		t.Fatalf("%v; asked %d times", err, w.Asked())
	}
	lg, _ := keyOf(t, "n1").LogVerifierKey(origin)
	p, err := sign.ParsePolicy([]byte("log " + lg.String() + "\nwitness w " + w.VerifierKey() + "\nquorum w\n"))
	if err != nil {
		t.Fatal(err)
	}
	_, lines, _ := sign.Split(note)
	joined, err := sign.Join(cp, lines, []byte(sigs[0].Line))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Check(joined); err != nil {
		t.Error(err)
	}
}

func TestAddRefused(t *testing.T) {
	s, other, w := logOf(t, "a", 40), logOf(t, "b", 40), witnessOf(t)
	c := clientOf(t, w, Options{})
	add := func(s *tiles.Store, size int64, key string) error {
		_, note := noteOf(t, s, size, key)
		_, err := c.Add(t.Context(), note, s)
		return err
	}
	if err := add(s, 30, "n1"); err != nil {
		t.Fatal(err)
	}
	var refused *RefusedError
	if err := add(s, 31, "n2"); !errors.As(err, &refused) || refused.Status != 403 || refused.Temporary() || !strings.Contains(err.Error(), "operator has to add one") {
		t.Errorf("a key that the witness does not know: %v", err)
	}
	var ahead *AheadError
	if err := add(s, 20, "n1"); !errors.As(err, &ahead) || ahead.Size != 30 || ahead.Ours != 20 {
		t.Errorf("an older checkpoint: %v", err)
	}
	var history *HistoryError
	if err := add(other, 40, "n1"); !errors.As(err, &history) || history.Size != 30 {
		t.Errorf("another history: %v", err)
	}
	if err := add(other, 30, "n1"); !errors.As(err, &history) || history.Size != 30 || !strings.Contains(err.Error(), "another root") {
		t.Errorf("another root at the same size: %v", err)
	}
	if latest, _ := w.Latest(origin); latest.Size != 30 {
		t.Errorf("the witness is at %d", latest.Size)
	}
	if err := add(s, 40, "n1"); err != nil {
		t.Errorf("after all that: %v", err)
	}
	unknown, err := sign.SignCheckpoint(sign.Checkpoint{Origin: "gapless/unknown", Size: 1})
	if err == nil {
		_, err = c.Add(t.Context(), append(unknown, []byte("— x AAAAAAAA\n")...), s)
	}
	if !errors.As(err, &refused) || refused.Status != 404 {
		t.Errorf("an unknown log: %v", err)
	}
	for _, note := range []string{"", "hello", "a\nb\nc\n\n— x AAAAAAAA\n"} {
		if _, err := c.Add(t.Context(), []byte(note), s); err == nil || w.Asked() > 20 {
			t.Errorf("sent %q: %v", note, err)
		}
	}
}

// The body is the one of the specification's example, with other hashes.
func TestRequestBody(t *testing.T) {
	s := logOf(t, "a", 7)
	var got []byte
	c := clientOf(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/some/prefix/add-checkpoint" {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		got, _ = io.ReadAll(r.Body)
		rw.WriteHeader(http.StatusTeapot)
	}), Options{})
	c.size.Store(3)
	_, note := noteOf(t, s, 7, "n1")
	if _, err := c.Add(t.Context(), note, s); err == nil {
		t.Fatal("a teapot cosigned")
	}
	proof, err := tlog.ProveTree(7, 3, s)
	if err != nil {
		t.Fatal(err)
	}
	want := "old 3\n"
	for _, h := range proof {
		want += h.String() + "\n"
	}
	if want += "\n" + string(note); string(got) != want {
		t.Errorf("sent\n%s\nwant\n%s", got, want)
	}
}

func TestNew(t *testing.T) {
	key, _ := keyOf(t, "witness").VerifierKey("w")
	log, _ := keyOf(t, "witness").LogVerifierKey("w")
	for _, tt := range []struct {
		url  string
		keys []string
	}{
		{"", []string{key.String()}}, {"w.example", []string{key.String()}}, {"ftp://w.example", []string{key.String()}}, {"https://w.example/?x=1", []string{key.String()}},
		{"https://user:secret@w.example", []string{key.String()}}, {"https://w.example", nil}, {"https://w.example", []string{"x"}}, {"https://w.example", []string{log.String()}},
	} {
		if _, err := New(tt.url, tt.keys, Options{}); err == nil {
			t.Errorf("a client of %q with %q", tt.url, tt.keys)
		}
	}
}
