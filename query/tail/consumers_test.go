package tail

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/google/go-cmp/cmp"
)

func at(history, index uint64, ordinal uint32) string {
	return frame.Position{History: history, Index: index, Ordinal: ordinal}.String()
}

// encoded is a command's body.
func encoded(t tester, c Command) []byte {
	t.Helper()
	b, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// frozen is the section's checkpoint.
func frozen(t tester, c *Consumers) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := c.Freeze()(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestConsumerCommands applies one after the other, at index 100.
func TestConsumerCommands(t *testing.T) {
	c := NewConsumers()
	for i, tt := range []struct {
		kind   uint16
		cmd    Command
		result string // or
		code   string
		clash  bool
	}{
		{KindCommit, Command{Tenant: "acme", Name: "erp", Position: at(1, 10, 3)}, `"changed":true`, "", false},
		{KindCommit, Command{Tenant: "acme", Name: "erp", Position: at(1, 10, 3)}, `"changed":false`, "", false},
		{KindCommit, Command{Tenant: "acme", Name: "erp", Position: at(1, 10, 4)}, `"changed":true`, "", false},
		{KindCommit, Command{Tenant: "acme", Name: "erp", Position: at(1, 10, 3)}, "", "position_back", true},
		{KindCommit, Command{Tenant: "acme", Name: "erp", Position: at(2, 11, 0)}, "", "other_history", true},
		{KindCommit, Command{Tenant: "acme", Name: "erp", Position: at(1, 101, 0)}, "", "position_ahead", false},
		{KindCommit, Command{Tenant: "acme", Name: "erp", Position: at(1, 100, 1<<32-1)}, `"changed":true`, "", false},
		{KindReset, Command{Tenant: "acme", Name: "erp", Position: at(1, 2, 0), By: "ops"}, at(1, 2, 0), "", false},
		{KindReset, Command{Tenant: "acme", Name: "new", Position: at(2, 1, 0)}, `"changed":true`, "", false},
		{KindReset, Command{Tenant: "acme", Name: "new", Position: at(1, 999, 0)}, "", "position_ahead", false},
		{KindCommit, Command{Tenant: "other", Name: "erp", Position: at(1, 1, 0)}, `"changed":true`, "", false},
		{KindDelete, Command{Tenant: "acme", Name: "nobody"}, "", "unknown_consumer", false},
		{KindDelete, Command{Tenant: "acme", Name: "new", By: "ops"}, at(2, 1, 0), "", false},
		{KindDelete, Command{Tenant: "acme", Name: "erp", Position: at(1, 1, 0)}, "", "bad_position", false},
		{KindCommit, Command{Tenant: "acme", Name: "erp"}, "", "bad_position", false},
		{KindCommit, Command{Tenant: "acme", Name: "erp", Position: at(0, 1, 0)}, "", "bad_position", false},
		{KindCommit, Command{Tenant: "acme", Name: "", Position: at(1, 1, 0)}, "", "bad_name", false},
		{KindCommit, Command{Tenant: "acme", Name: "a\nb", Position: at(1, 1, 0)}, "", "bad_name", false},
		{KindCommit, Command{Tenant: "acme", Name: strings.Repeat("x", 257), Position: at(1, 1, 0)}, "", "bad_name", false},
		{KindCommit, Command{Tenant: "acme", Name: "erp", Position: at(1, 1, 0), By: strings.Repeat("x", 2000)}, "", "bad_command", false},
	} {
		before := frozen(t, c)
		out, err := c.Apply(100, 1, startMS+int64(i), tt.kind, CommandVersion, encoded(t, tt.cmd))
		var r *Refusal
		switch {
		case tt.code == "" && (err != nil || !strings.Contains(string(out), tt.result)):
			t.Errorf("%d: %s %v, want %s", i, out, err, tt.result)
		case tt.code != "" && (!errors.As(err, &r) || r.Code != tt.code || r.Conflict != tt.clash):
			t.Errorf("%d: %v, want %s", i, err, tt.code)
		case tt.code != "" && !bytes.Equal(before, frozen(t, c)):
			t.Errorf("%d: refused, and changed something", i)
		}
	}
	for _, body := range []string{
		"", "{}", `{"tenant":"a","name":"b","position":"` + at(1, 1, 0) + `","more":1}`, `{"tenant":"a","tenant":"a"}`,
		strings.Repeat(" ", maxCommandBytes+1),
	} {
		if _, err := c.Apply(1, 1, startMS, KindCommit, CommandVersion, []byte(body)); err == nil {
			t.Errorf("body %.40q was taken", body)
		}
	}
	for kind := firstKind; kind <= lastKind; kind++ {
		for _, version := range []uint8{0, 1, 2} {
			if known := kind <= KindDelete && version == 1; c.Supports(kind, version) != known {
				t.Errorf("command %d version %d: %v", kind, version, !known)
			}
		}
	}
	if _, err := c.Apply(1, 1, startMS, KindCommit, 2, nil); !errors.Is(err, ledger.ErrVersion) {
		t.Errorf("version 2: %v", err)
	}
	if got, want := string(frozen(t, c)), `{"section":"consumers","version":1,"consumers":[{"tenant":"acme","name":"erp","position":"`+at(1, 2, 0)+
		`","committed_ms":1795255200007},{"tenant":"other","name":"erp","position":"`+at(1, 1, 0)+`","committed_ms":1795255200010}]}`; got != want {
		t.Errorf("the checkpoint is\n%s, want\n%s", got, want)
	}
}

// TestConsumersAreBounded: a commit that would make one too many is refused, and what is there goes on.
func TestConsumersAreBounded(t *testing.T) {
	c := NewConsumers()
	commit := func(tenant string, n int) string {
		_, err := c.Apply(100, 1, startMS, KindCommit, CommandVersion, encoded(t, Command{Tenant: tenant, Name: fmt.Sprintf("c%06d", n), Position: at(1, 10, 0)}))
		var r *Refusal
		if err != nil && !errors.As(err, &r) {
			t.Fatal(err)
		}
		if r != nil {
			return r.Code
		}
		return ""
	}
	const full = "too_many_consumers"
	for tenant := range MaxAll / MaxConsumers {
		name := fmt.Sprint("t", tenant)
		for n := range MaxConsumers {
			if code := commit(name, n); code != "" {
				t.Fatalf("consumer %d of %s: %s", n, name, code)
			}
		}
		if got, again := commit(name, MaxConsumers), commit(name, 7); got != full || again != "" {
			t.Fatalf("one more: %q, one that is there: %q", got, again)
		}
	}
	if got := commit("another", 0); got != full {
		t.Errorf("one more than all tenants may have: %q", got)
	}
	if _, err := c.Apply(100, 1, startMS, KindDelete, CommandVersion, encoded(t, Command{Tenant: "t0", Name: "c000007"})); err != nil {
		t.Fatal(err)
	}
	if got := commit("another", 0); got != "" {
		t.Errorf("after a deletion: %q", got)
	}
}

// TestCommandBytes holds the bodies that logs have.
func TestCommandBytes(t *testing.T) {
	for _, tt := range []struct {
		cmd  Command
		want string
	}{
		{Command{Tenant: "acme", Name: "erp", Position: at(1, 10, 3)}, `{"tenant":"acme","name":"erp","position":"00000000000020000000000018000003"}`},
		{Command{Tenant: "acme", Name: "erp", By: "ops"}, `{"tenant":"acme","name":"erp","by":"ops"}`},
	} {
		if got := string(encoded(t, tt.cmd)); got != tt.want {
			t.Errorf("%s, want %s", got, tt.want)
		}
	}
}

func TestConsumersAreAudited(t *testing.T) {
	c := NewConsumers()
	for _, tt := range []struct {
		kind   uint16
		action string
	}{{KindCommit, ""}, {KindReset, "consumer_reset"}, {KindDelete, "consumer_delete"}} {
		cmd := Command{Tenant: "acme", Name: "erp", By: "ops"}
		if tt.kind != KindDelete {
			cmd.Position = at(1, 1, 0)
		}
		tenant, action, subject, by, detail, ok := c.Audit(tt.kind, encoded(t, cmd))
		if ok != (tt.action != "") || ok && (tenant != "acme" || action != tt.action || subject != "erp" || by != "ops" || len(detail) == 0) {
			t.Errorf("%d: %v %q %q %q %q", tt.kind, ok, tenant, action, subject, by)
		}
	}
}

func TestConsumerLimits(t *testing.T) {
	c := NewConsumers()
	commit := func(tenant string, n int) error {
		_, err := c.Apply(9, 1, startMS, KindCommit, CommandVersion, encoded(t, Command{Tenant: tenant, Name: fmt.Sprint("c", n), Position: at(1, 1, 0)}))
		return err
	}
	for n := range MaxAll + 1 {
		tenant := fmt.Sprint("t", n/MaxConsumers)
		if err := commit(tenant, n); (err != nil) != (n == MaxAll) {
			t.Fatalf("consumer %d: %v", n, err)
		}
	}
	if err := commit("t0", MaxAll+1); err == nil || !strings.Contains(err.Error(), "too_many_consumers") {
		t.Errorf("%v", err)
	}
	if err := commit("t0", 0); err != nil {
		t.Errorf("one that is there: %v", err)
	}
	b := frozen(t, c)
	if int64(len(b)) > c.LimitBytes() {
		t.Errorf("%d bytes, the limit is %d", len(b), c.LimitBytes())
	}
	back := NewConsumers()
	if err := back.Restore(bytes.NewReader(b)); err != nil || !bytes.Equal(frozen(t, back), b) {
		t.Errorf("restored: %v", err)
	}
}

// TestConsumersFreeze: what was frozen stays as it was whatever comes after, and what is restored goes on to the same bytes.
func TestConsumersFreeze(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	a := NewConsumers()
	type kept struct {
		write func(io.Writer) error
		want  []byte
	}
	var all []kept
	for n := range 3000 {
		cmd := Command{Tenant: fmt.Sprint("t", rnd.IntN(3)), Name: fmt.Sprint("c", rnd.IntN(30)), Position: at(1, 1+rnd.Uint64N(50), 0)}
		kind := KindCommit + uint16(rnd.IntN(3))
		if kind == KindDelete {
			cmd.Position = ""
		}
		body := encoded(t, cmd)
		if n%500 == 250 {
			b := NewConsumers()
			if err := b.Restore(bytes.NewReader(frozen(t, a))); err != nil {
				t.Fatal(err)
			}
			a = b
		}
		if n%40 == 0 {
			all = append(all, kept{a.Freeze(), frozen(t, a)})
		}
		_, _ = a.Apply(60, 1, startMS+int64(n), kind, CommandVersion, body)
	}
	for i := range all {
		var b bytes.Buffer
		if err := all[i].write(&b); err != nil || !bytes.Equal(b.Bytes(), all[i].want) {
			t.Fatalf("checkpoint %d is other than it was: %v", i, err)
		}
	}
}

func TestDamagedConsumers(t *testing.T) {
	c := NewConsumers()
	for i := range 3 {
		body := encoded(t, Command{Tenant: "t", Name: fmt.Sprint("c", i), Position: at(1, 1, 0)})
		if _, err := c.Apply(9, 1, startMS, KindCommit, CommandVersion, body); err != nil {
			t.Fatal(err)
		}
	}
	good := string(frozen(t, c))
	for _, tt := range []struct {
		from, to string
		want     error
	}{
		{"", "", nil},
		{`"version":1`, `"version":2`, ledger.ErrVersion},
		{`"version":1`, `"version":0`, ErrCorrupt},
		{`"consumers","version"`, `"devices","version"`, ErrCorrupt},
		{`"c1"`, `"c0"`, ErrCorrupt},
		{`"c2"`, `"c0"`, ErrCorrupt},
		{`"c2"`, `""`, ErrCorrupt},
		{`"c2"`, `"c2","more":1`, ErrCorrupt},
		{at(1, 1, 0), "0", ErrCorrupt},
		{"]}", "]", ErrCorrupt},
	} {
		err := c.Restore(strings.NewReader(strings.Replace(good, tt.from, tt.to, 1)))
		if !errors.Is(err, tt.want) {
			t.Errorf("%s instead of %s: %v, want %v", tt.to, tt.from, err, tt.want)
		}
		if got := string(frozen(t, c)); got != good {
			t.Fatalf("a restore that failed changed the section to %s", got)
		}
	}
}

func FuzzConsumers(f *testing.F) {
	f.Add([]byte(`{"section":"consumers","version":1,"consumers":[{"tenant":"t","name":"c","position":"`+at(1, 1, 0)+`","committed_ms":5}]}`), uint8(0))
	f.Add(encodedSeed(), uint8(1))
	f.Fuzz(func(t *testing.T, b []byte, what uint8) {
		c := NewConsumers()
		if what > 0 {
			out, err := c.Apply(5, 1, startMS, KindCommit+uint16(what%4), CommandVersion, b)
			var r *Refusal
			if err != nil && (out != nil || !errors.As(err, &r) && !errors.Is(err, ledger.ErrVersion)) {
				t.Fatal(err)
			}
			c.Audit(KindCommit+uint16(what%4), b)
			return
		}
		if err := c.Restore(bytes.NewReader(b)); err != nil {
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ledger.ErrVersion) {
				t.Fatal(err)
			}
			return
		}
		back := NewConsumers()
		if err := back.Restore(bytes.NewReader(frozen(t, c))); err != nil || !bytes.Equal(frozen(t, back), frozen(t, c)) {
			t.Fatalf("what was restored does not come back: %v", err)
		}
	})
}

func encodedSeed() []byte {
	b, _ := (&Command{Tenant: "t", Name: "c", Position: at(1, 1, 0)}).Encode()
	return b
}

// TestConsumersSorted: lists are in order of names.
func TestConsumersSorted(t *testing.T) {
	c := NewConsumers()
	for _, name := range []string{"b", "a", "c", "ä", "B"} {
		if _, err := c.Apply(5, 1, startMS, KindCommit, CommandVersion, encoded(t, Command{Tenant: "t", Name: name, Position: at(1, 1, 0)})); err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	for _, one := range c.List("t") {
		names = append(names, one.Name)
	}
	if diff := cmp.Diff([]string{"B", "a", "b", "c", "ä"}, names); diff != "" {
		t.Error(diff)
	}
	if c.List("nobody") != nil || !slices.IsSorted(names) {
		t.Error("consumers of nobody, or in disorder")
	}
}
