package ledger

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"
)

// everything is a ledger with something in every field of the format.
func everything(t testing.TB) *Ledger {
	l := someFleet(t)
	for _, prep := range []func(*rig){
		func(r *rig) { r.script("0..300 7 5*-2 301 900000000000000000") },
		func(r *rig) { r.script("0..30 5*") },
		func(r *rig) {
			for n := range uint64(900) {
				r.narrow(16, n, int64(n)*7_000_000)
			}
			r.narrow(16, 5_000_000, 3_600_000_000_000)
			r.narrow(16, 5_000_001, 3_600_007_000_000)
			r.heartbeat(Heartbeat{Next: 5_000_003})
		},
		unverified, unnumbered, lostBefore, sealed("", 20),
	} {
		r := newRig(t, Policy{})
		r.l = l
		key := testKey
		key.Device += string(rune('a' + l.Len()))
		id, err := l.Intern(key)
		if err != nil {
			t.Fatal(err)
		}
		r.id, r.ms = id, max(l.nowMS, t0)
		prep(r)
	}
	l.SetPolicy(Policy{RestartDrop: 77, ProtocolZero: true, GraceMS: 5})
	return l
}

func TestCheckpointRoundTrip(t *testing.T) {
	l := everything(t)
	b := checkpointOf(t, l)
	again := restored(t, b)
	if !bytes.Equal(b, checkpointOf(t, again)) {
		t.Error("the restored ledger has another checkpoint")
	}
	if l.Root() != again.Root() || l.Policy() != again.Policy() || l.TotalBalance() != again.TotalBalance() {
		t.Error("the restored ledger answers otherwise")
	}
	if err := again.Check(); err != nil {
		t.Error(err)
	}
	for id := range l.names.order.all() {
		for i, e := range l.stream(id).epochs {
			if e.pace != nil && *e.pace != *again.stream(id).epochs[i].pace {
				t.Errorf("pace %+v, want %+v", *again.stream(id).epochs[i].pace, *e.pace)
			}
		}
	}
	if !bytes.Equal(checkpointOf(t, New(Policy{})), checkpointOf(t, restored(t, checkpointOf(t, New(Policy{}))))) {
		t.Error("the empty ledger changed")
	}
}

// It does not read beyond its end: sections may follow each other in one file.
func TestRestoreReadsOnlyItsOwn(t *testing.T) {
	b := checkpointOf(t, everything(t))
	r := bytes.NewReader(append(bytes.Clone(b), "next section"...))
	if err := New(Policy{}).Restore(r); err != nil {
		t.Fatal(err)
	}
	if rest, _ := io.ReadAll(r); string(rest) != "next section" {
		t.Errorf("%d bytes are left", len(rest))
	}
}

// Each changed byte and each cut is found, and leaves the ledger as it was.
func TestRestoreFindsDamage(t *testing.T) {
	r := newRig(t, Policy{})
	r.script("0..70 80 7 5*-2 301")
	r.lost(DeclareLost{From: 72, To: 75, Reason: "ring"})
	b := checkpointOf(t, r.l)
	victim := newRig(t, Policy{})
	victim.run("x", 0, 5)
	before := checkpointOf(t, victim.l)
	try := func(what string, at int, bad []byte) {
		t.Helper()
		err := victim.l.Restore(bytes.NewReader(bad))
		if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrVersion) {
			t.Fatalf("%s at %d: %v", what, at, err)
		}
		if errors.Is(err, ErrVersion) != (what == "flip" && at == 8) {
			t.Fatalf("%s at %d: %v", what, at, err)
		}
	}
	for i := range b {
		bad := bytes.Clone(b)
		bad[i] ^= 1 << (i % 8)
		try("flip", i, bad)
		try("cut", i, b[:i])
	}
	if !bytes.Equal(before, checkpointOf(t, victim.l)) {
		t.Error("a failed restore changed the ledger")
	}
	broken := errors.New("disk gone")
	if err := victim.l.Restore(io.MultiReader(bytes.NewReader(b[:20]), iotest.ErrReader(broken))); !errors.Is(err, broken) || errors.Is(err, ErrCorrupt) {
		t.Errorf("a failing reader is %v", err)
	}
	if err := r.l.Checkpoint(failingWriter{broken}); !errors.Is(err, broken) {
		t.Errorf("a failing writer is %v", err)
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

// resealed gives changed content a checksum that fits: the content itself has to be checked.
func resealed(b []byte) []byte {
	b = b[:len(b)-4]
	return binary.LittleEndian.AppendUint32(bytes.Clone(b), crc32.Checksum(b, castagnoli))
}

// With a checksum that fits, damage is refused or gives a ledger that works: no panic, now or later.
func TestRestoreChecksContent(t *testing.T) {
	r := newRig(t, Policy{})
	r.script("0..70 80 7 5*-2 301")
	b := checkpointOf(t, r.l)
	for i := range b {
		for _, mask := range []byte{1, 0x80, 0xff} {
			bad := bytes.Clone(b)
			bad[i] ^= mask
			l := New(Policy{})
			if err := l.Restore(bytes.NewReader(resealed(bad))); err == nil {
				exercise(l)
			}
		}
	}
}

// exercise uses every part of a ledger whose content is arbitrary.
func exercise(l *Ledger) {
	for id := range l.names.order.all() {
		l.Report(id, ReportOptions{GapLimit: 50})
		l.Summary(id)
		l.Digest(id)
		key, _ := l.Key(id)
		if _, err := l.Gaps(GapQuery{Tenant: key.Tenant, Limit: 20}); err != nil {
			panic(err)
		}
		r := &rig{l: l, id: id, ms: l.nowMS}
		for _, s := range []send{{seq: 3}, {seq: 3, bits: 16}, {seq: 1 << 40}, {seq: 5, epoch: "x"}, {seq: 200, bits: 8, epoch: "x"}} {
			r.arrive(s)
		}
		h := Heartbeat{Subject: Subject{ID: id}, Next: 400}
		_, _ = l.Heartbeat(l.nowMS, &h) // an answer either way
	}
	l.Tick(l.nowMS+1_000_000, false)
	_ = l.Check() // counters may be wrong: it has to say so, not to panic
}

// A checkpoint of version 1 is read for ever. The file is never written again.
func TestFrozenCheckpoint(t *testing.T) {
	path := filepath.Join("testdata", "checkpoint_v1.bin")
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) && os.Getenv("GAPLESS_UPDATE") != "" {
		if err := os.WriteFile(path, checkpointOf(t, everything(t)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	l := restored(t, b)
	if err := l.Check(); err != nil {
		t.Error(err)
	}
	if !bytes.Equal(b, checkpointOf(t, l)) {
		t.Error("the format changed without a new version")
	}
	if l.Len() != 19 || l.TotalBalance().Stored == 0 {
		t.Errorf("%d streams, %+v", l.Len(), l.TotalBalance())
	}
}
