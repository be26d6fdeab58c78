package auth

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func digestOf(token string) string {
	d := sha256.Sum256([]byte(token))
	return hex.EncodeToString(d[:])
}

// writeFile puts text where a token file is expected and returns its path.
func writeFile(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t testing.TB, text string, opt Options) *Tokens {
	t.Helper()
	tokens, err := LoadTokens(writeFile(t, text), opt)
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

func TestAuthenticate(t *testing.T) {
	file := fmt.Sprintf("# two tokens\n\n%s acme gw-1 write\r\n  %s default ops read,write,admin  \n", digestOf("secret-1"), digestOf("secret-2"))
	gateway := Principal{"acme", "gw-1", Write}
	nobody := Principal{"default", Anonymous, All}
	for _, test := range []struct {
		name     string
		opt      Options
		header   string
		loopback bool
		want     Principal
		err      error
	}{
		{"a token", Options{}, "Bearer secret-1", false, gateway, nil},
		{"the scheme in any case", Options{}, "bEARER secret-1", false, gateway, nil},
		{"more spaces", Options{}, "Bearer   secret-1 ", false, gateway, nil},
		{"another token", Options{}, "Bearer secret-2", true, Principal{"default", "ops", All}, nil},
		{"nothing", Options{}, "", false, Principal{}, ErrNoToken},
		{"nothing, from loopback, not allowed", Options{}, "", true, Principal{}, ErrNoToken},
		{"nothing, from loopback, allowed", Options{AllowLoopback: true}, "", true, nobody, nil},
		{"nothing, from outside, loopback allowed", Options{AllowLoopback: true}, "", false, Principal{}, ErrNoToken},
		{"nothing, insecure", Options{Insecure: true}, "", false, nobody, nil},
		{"wrong token", Options{}, "Bearer secret-3", false, Principal{}, ErrBadToken},
		{"wrong token, insecure", Options{Insecure: true}, "Bearer secret-3", true, Principal{}, ErrBadToken},
		{"a digest is not a token", Options{}, "Bearer " + digestOf("secret-1"), false, Principal{}, ErrBadToken},
		{"no scheme", Options{}, "secret-1", false, Principal{}, ErrBadToken},
		{"another scheme", Options{}, "Basic secret-1", false, Principal{}, ErrBadToken},
		{"empty token", Options{}, "Bearer  ", false, Principal{}, ErrBadToken},
		{"endless token", Options{}, "Bearer " + strings.Repeat("x", 1<<20), false, Principal{}, ErrBadToken},
	} {
		t.Run(test.name, func(t *testing.T) {
			var refused []error
			test.opt.OnRefused = func(reason error) { refused = append(refused, reason) }
			got, err := load(t, file, test.opt).Authenticate(test.header, test.loopback)
			if got != test.want || !errors.Is(err, test.err) {
				t.Errorf("got %+v, %v; want %+v, %v", got, err, test.want, test.err)
			}
			if wantRefused := test.err != nil; wantRefused != (len(refused) == 1) {
				t.Errorf("OnRefused heard %v", refused)
			}
		})
	}
}

func TestTokenFileFaults(t *testing.T) {
	good := digestOf("x") + " default gw write"
	for _, test := range []struct{ name, text, want string }{
		{"words", good + "\n\n" + digestOf("y") + " default gw", ":3: 3 words instead of 4 (write `sha256hex tenant id scope[,scope]`"},
		{"plain token", "gapless_abc default gw write", ":1: the first word (11 characters) is no SHA-256 (it must be the 64 hex digits"},
		{"short digest", digestOf("x")[2:] + " default gw write", ":1: the first word (62 characters) is no SHA-256"},
		{"long digest", digestOf("x") + "00 default gw write", ":1: the first word (66 characters) is no SHA-256"},
		{"scope", digestOf("x") + " default gw write,fly", `:1: auth: unknown scope "fly": use read, write, admin`},
		{"scope twice", digestOf("x") + " default gw read,read", `:1: auth: scope "read" is named twice`},
		{"twice", good + "\n# again\n" + good, ":3: this token stands in the file twice (remove one of the two lines)"},
		{"own tenant", digestOf("x") + " _system gw write", `:1: tenant "_system" may not be written`},
		{"long id", digestOf("x") + " default " + strings.Repeat("g", 257) + " write", ":1: id of 257 bytes, at most 256"},
		{"bytes", digestOf("x") + " default g\xff write", ":1: id \"g\\xff\" is not plain text"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := writeFile(t, test.text)
			_, err := LoadTokens(path, Options{})
			var fault *FileError
			if !errors.As(err, &fault) || !strings.Contains(err.Error(), path+test.want) {
				t.Fatalf("got  %v\nwant %s", err, path+test.want)
			}
			if strings.Contains(err.Error(), "gapless_abc") {
				t.Errorf("the fault shows a token: %v", err)
			}
		})
	}
	if _, err := LoadTokens(filepath.Join(t.TempDir(), "none"), Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent file: %v", err)
	}
	if tokens, err := LoadTokens(writeFile(t, digestOf("x")+" _system auditor read"), Options{}); err != nil || tokens.Len() != 1 {
		t.Errorf("a reader of the cluster's own tenant: %v", err)
	}
}

func TestReloadKeepsOldSetOnError(t *testing.T) {
	path := writeFile(t, digestOf("old")+" default gw write\n")
	tokens, err := LoadTokens(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	works := func(token string) bool {
		_, err := tokens.Authenticate("Bearer "+token, false)
		return err == nil
	}
	rewrite := func(text string) error {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return tokens.Reload()
	}
	if err := rewrite(digestOf("new") + " default gw write\nbroken line\n"); err == nil || !works("old") || works("new") {
		t.Errorf("a broken file took effect: err %v, old %v, new %v", err, works("old"), works("new"))
	}
	if err := rewrite(digestOf("new") + " default gw write\n"); err != nil || works("old") || !works("new") {
		t.Errorf("a good file did not: err %v, old %v, new %v", err, works("old"), works("new"))
	}
}

func TestNewToken(t *testing.T) {
	who := Principal{"acme", "gw-9", Read | Write}
	plain, line, err := NewToken(who)
	if err != nil || strings.Contains(line, plain) || !strings.HasPrefix(plain, "gapless_") {
		t.Fatalf("%q %q %v", plain, line, err)
	}
	got, err := load(t, line+"\n", Options{}).Authenticate("Bearer "+plain, false)
	if got != who || err != nil {
		t.Errorf("got %+v, %v", got, err)
	}
	if again, _, _ := NewToken(who); again == plain {
		t.Error("two tokens are equal")
	}
	for _, bad := range []Principal{{"", "gw", Read}, {"acme", "two words", Read}, {"acme", "gw", 0}, {"_system", "gw", Write}} {
		if _, _, err := NewToken(bad); err == nil {
			t.Errorf("a token for %+v, which no file can hold", bad)
		}
	}
}

// Run with -race: reloading beside authentication.
func TestReloadBesideAuthenticate(t *testing.T) {
	tokens := load(t, digestOf("x")+" default gw write\n", Options{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				if _, err := tokens.Authenticate("Bearer x", false); err != nil {
					t.Error(err)
				}
				if err := tokens.Reload(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestScopes(t *testing.T) {
	for set := Scopes(1); set <= All; set++ {
		if got, err := ParseScopes(set.String()); got != set || err != nil {
			t.Errorf("%v came back as %v, %v", set, got, err)
		}
	}
	if Scopes(0).String() != "none" || !All.Has(Read|Admin) || Read.Has(Read|Write) || !Read.Has(0) {
		t.Error("set operations")
	}
}

func FuzzTokenFile(f *testing.F) {
	f.Add([]byte(digestOf("x") + " default gw write,read\n# c\n"))
	f.Add([]byte("a b c d\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		set, fault := parseTokens(text)
		if (set == nil) == (fault == nil) {
			t.Fatal("neither a set nor a fault, or both")
		}
		if fault != nil && (fault.Line < 1 || fault.Err == nil || fault.Hint == "") {
			t.Fatalf("a fault without line, text or hint: %+v", fault)
		}
	})
}

func FuzzAuthenticate(f *testing.F) {
	tokens := load(f, digestOf("secret")+" default gw write\n", Options{})
	f.Add("Bearer secret", false)
	f.Add("Bearer", true)
	f.Fuzz(func(t *testing.T, header string, loopback bool) {
		p, err := tokens.Authenticate(header, loopback)
		if (err == nil) != (p != Principal{}) {
			t.Fatalf("%q: %+v, %v", header, p, err)
		}
	})
}

func BenchmarkAuthenticate(b *testing.B) {
	var file strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&file, "%s default gw-%d write\n", digestOf(fmt.Sprint(i)), i)
	}
	tokens := load(b, file.String(), Options{})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tokens.Authenticate("Bearer 77", false); err != nil {
			b.Fatal(err)
		}
	}
}
