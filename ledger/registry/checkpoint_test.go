package registry

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
)

var update = flag.Bool("update", false, "write the golden file anew")

// everything is a registry with something in every field of the format.
func everything(t testing.TB) *Registry {
	r := empty()
	must(t, r, KindSet, `[`+mill+`,{"device":"a"},{"device":"ü","class":"event","rule":{"protocol_zero":true,"restart_below":0}}]`)
	must(t, r, KindPatch, `[{"device":"b/1","labels":{"x":"1","y":"=","z":"ü"}},{"device":"a","cadence_ms":315360000000}]`)
	if _, err := r.Apply(1, 1, -5, KindSet, CommandVersion, []byte(`{"tenant":"other","devices":[{"device":"a","type":"press","first":0}]}`)); err != nil {
		t.Fatal(err)
	}
	must(t, r, KindDelete, `[{"device":"nobody"}]`)
	return r
}

const golden = "testdata/devices_v1.bin"

// TestGoldenCheckpoint holds the format to a file of the release that brought it: it is read for ever.
func TestGoldenCheckpoint(t *testing.T) {
	b := checkpointOf(t, everything(t))
	if *update {
		if err := os.WriteFile(golden, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b, want) {
		t.Errorf("the checkpoint has %d bytes, not those %d of %s: a changed format is a new version", len(b), len(want), golden)
	}
	r := empty()
	if err := r.Restore(bytes.NewReader(want)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(checkpointOf(t, r), want) {
		t.Error("what was restored writes other bytes")
	}
}

// TestRestoreReadsOnlyItsOwn: sections may follow each other in one file.
func TestRestoreReadsOnlyItsOwn(t *testing.T) {
	from := bytes.NewReader(append(checkpointOf(t, everything(t)), "next section"...))
	if err := empty().Restore(from); err != nil {
		t.Fatal(err)
	}
	if rest, _ := io.ReadAll(from); string(rest) != "next section" {
		t.Errorf("%d bytes are left", len(rest))
	}
}

// TestRestoreFindsDamage: each changed byte and each cut is found, and leaves the registry and the ledger's rules as they were.
func TestRestoreFindsDamage(t *testing.T) {
	b := checkpointOf(t, everything(t))
	victim := empty()
	must(t, victim, KindSet, `[{"device":"v","rule":{"restart_drop":4}}]`)
	before := checkpointOf(t, victim)
	try := func(what string, at int, bad []byte) {
		t.Helper()
		err := victim.Restore(bytes.NewReader(bad))
		if version := what == "flip" && at == len(checkpointMagic); errors.Is(err, ledger.ErrVersion) != version || errors.Is(err, ErrCorrupt) == version {
			t.Fatalf("%s at %d: %v", what, at, err)
		}
	}
	for i := range b {
		bad := bytes.Clone(b)
		bad[i] ^= 1 << (i % 8)
		try("flip", i, bad)
		try("cut", i, b[:i])
	}
	broken := errors.New("disk gone")
	if err := victim.Restore(io.MultiReader(bytes.NewReader(b[:20]), iotest.ErrReader(broken))); !errors.Is(err, broken) || errors.Is(err, ErrCorrupt) {
		t.Errorf("a failing reader is %v", err)
	}
	if !bytes.Equal(before, checkpointOf(t, victim)) || victim.ledger.Rule("t", "v").IsZero() || !victim.ledger.Rule("t", "mill-07").IsZero() {
		t.Error("a failed restore changed something")
	}
	for i := range b {
		if err := everything(t).Freeze()(&failingWriter{left: i, err: broken}); !errors.Is(err, broken) {
			t.Fatalf("a writer that fails after %d of %d bytes is %v", i, len(b), err)
		}
	}
}

type failingWriter struct {
	left int
	err  error
}

func (f *failingWriter) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, f.err
	}
	return len(b), nil
}

// sealed gives a content of blocks a header and a right checksum.
func sealed(revision, devices uint64, blocks ...[]byte) []byte {
	b := append([]byte(checkpointMagic), checkpointVersion)
	b = binary.LittleEndian.AppendUint64(b, revision)
	b = binary.LittleEndian.AppendUint64(b, devices)
	for _, block := range append(blocks, nil) {
		b = append(binary.LittleEndian.AppendUint32(b, uint32(len(block))), block...)
	}
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// TestRestoreTakesOneForm: content that no writer makes is damage although its checksum is right, so that equal registries have equal bytes.
func TestRestoreTakesOneForm(t *testing.T) {
	entry := func(rec record, before string) []byte {
		rec.revision = max(rec.revision, 1)
		return rec.append(nil, before)
	}
	a, b := entry(record{tenant: "t", device: "a"}, ""), entry(record{tenant: "t", device: "b"}, "t")
	if err := empty().Restore(bytes.NewReader(sealed(1, 2, a, b))); err != nil {
		t.Fatal(err)
	}
	labels := func(l ...label) []byte { return entry(record{tenant: "t", device: "a", labels: l}, "") }
	many := make([]label, MaxLabels+1)
	for i := range many {
		many[i] = label{fmt.Sprintf("%03d", i), "v"}
	}
	for name, bad := range map[string][]byte{
		"order":           sealed(1, 2, entry(record{tenant: "t", device: "b"}, ""), entry(record{tenant: "t", device: "a"}, "t")),
		"twice":           sealed(1, 2, a, entry(record{tenant: "t", device: "a"}, "t")),
		"count":           sealed(1, 3, a, b),
		"no tenant":       sealed(1, 1, b),
		"same tenant":     sealed(1, 2, a, entry(record{tenant: "t", device: "b"}, "")),
		"empty tenant":    sealed(1, 1, append([]byte{hasTenant, 0}, 1, 'a', 1, 0)),
		"no revision":     sealed(1, 1, []byte{hasTenant, 1, 't', 1, 'a', 0, 0}),
		"revision":        sealed(1, 1, entry(record{tenant: "t", device: "a", revision: 2}, "")),
		"long number":     sealed(1, 1, []byte{hasTenant, 1, 't', 1, 'a', 0x81, 0, 0}),
		"unknown flag":    sealed(1, 1, []byte{hasTenant | 1<<knownHas, 1, 't', 1, 'a', 1, 0}),
		"two classes":     sealed(1, 1, []byte{hasTenant | hasEvent | hasSnapshot, 1, 't', 1, 'a', 1, 0}),
		"empty type":      sealed(1, 1, []byte{hasTenant | hasType, 1, 't', 1, 'a', 1, 0, 0}),
		"no cadence":      sealed(1, 1, []byte{hasTenant | hasCadence, 1, 't', 1, 'a', 1, 0, 0}),
		"empty rule":      sealed(1, 1, []byte{hasTenant | hasRule, 1, 't', 1, 'a', 1, 0, 0}),
		"rule flag":       sealed(1, 1, []byte{hasTenant | hasRule, 1, 't', 1, 'a', 1, 0, 1 << 5, 1}),
		"zero is 2":       sealed(1, 1, []byte{hasTenant | hasRule, 1, 't', 1, 'a', 1, 0, 1 << 3, 2}),
		"window 0":        sealed(1, 1, []byte{hasTenant | hasRule, 1, 't', 1, 'a', 1, 0, 1 << 2, 0}),
		"no labels":       sealed(1, 1, []byte{hasTenant | hasLabels, 1, 't', 1, 'a', 1, 0, 0}),
		"label order":     sealed(1, 1, labels(label{"y", "1"}, label{"x", "1"})),
		"label twice":     sealed(1, 1, labels(label{"x", "1"}, label{"x", "1"})),
		"label type":      sealed(1, 1, labels(label{"type", "1"})),
		"many labels":     sealed(1, 1, labels(many...)),
		"reserved device": sealed(1, 1, entry(record{tenant: "t", device: "_a"}, "")),
		"empty device":    sealed(1, 1, []byte{hasTenant, 1, 't', 0, 1, 0}),
		"cut device":      sealed(1, 1, a[:len(a)-1]),
		"more bytes":      sealed(1, 1, append(bytes.Clone(a), 0)),
	} {
		if err := empty().Restore(bytes.NewReader(bad)); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	large := append([]byte(checkpointMagic), checkpointVersion)
	large = append(large, make([]byte, 16)...)
	if err := empty().Restore(bytes.NewReader(binary.LittleEndian.AppendUint32(large, 1<<31))); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "limit") {
		t.Errorf("a block of 2 GiB: %v", err)
	}
}

// TestRulesOutliveARestore tells what a forgotten rule would do: a restarted device's frames would go on in its old epoch.
func TestRulesOutliveARestore(t *testing.T) {
	l := ledger.New(ledger.Policy{})
	r := New(l)
	must(t, r, KindSet, `[{"device":"mill-07","rule":{"restart_drop":5}}]`)
	key := frame.StreamKey{Tenant: "t", Device: "mill-07", Stream: "0"}
	arrive := func(l *ledger.Ledger, seq uint64) ledger.Outcome {
		id, err := l.Intern(key)
		if err != nil {
			t.Fatal(err)
		}
		return l.Arrive(&frame.Group{Stream: id, Bits: 64}, t0, t0, &frame.Item{Seq: seq, NoTime: true, Fingerprint: uint32(seq)})
	}
	for n := range uint64(20) {
		arrive(l, n+10)
	}
	var b bytes.Buffer
	if err := l.Checkpoint(&b); err != nil {
		t.Fatal(err)
	}
	own := checkpointOf(t, r)
	for _, registryFirst := range []bool{false, true} {
		again := ledger.New(ledger.Policy{})
		registry := New(again)
		restore := func() {
			if err := registry.Restore(bytes.NewReader(own)); err != nil {
				t.Fatal(err)
			}
		}
		if registryFirst {
			restore()
		}
		if err := again.Restore(bytes.NewReader(b.Bytes())); err != nil {
			t.Fatal(err)
		}
		if !registryFirst {
			restore()
		}
		if o := arrive(again, 12); !o.NewEpoch || o.Epoch != 2 {
			t.Errorf("registry first %v: a frame 17 below the newest is %+v, not the first of a new epoch", registryFirst, o)
		}
	}
}

// TestRestoreReplacesRules: what a registry and its ledger held before a restore is gone.
func TestRestoreReplacesRules(t *testing.T) {
	r := empty()
	must(t, r, KindSet, `[{"device":"stays","rule":{"restart_drop":5}}]`)
	own := checkpointOf(t, r)
	must(t, r, KindSet, `[{"device":"goes","first":1,"class":"event"},{"device":"stays","rule":{"restart_below":7}}]`)
	if err := r.Restore(bytes.NewReader(own)); err != nil {
		t.Fatal(err)
	}
	if got := r.ledger.Rule("t", "stays"); got.RestartDrop == nil || *got.RestartDrop != 5 || got.RestartBelow != nil || !r.ledger.Rule("t", "goes").IsZero() {
		t.Errorf("rules %+v and %+v", got, r.ledger.Rule("t", "goes"))
	}
	if snap := r.Snapshot(); snap.HasClasses() || r.Len("t") != 1 || !bytes.Equal(checkpointOf(t, r), own) {
		t.Error("something of the state before the restore is left")
	}
}

// TestOrdinalsAreUsedAgain: devices that come and go do not make the index longer.
func TestOrdinalsAreUsedAgain(t *testing.T) {
	r := empty()
	must(t, r, KindSet, `[{"device":"stays"}]`)
	for i := range 100 {
		must(t, r, KindSet, fmt.Sprintf(`[{"device":"d%d"}]`, i))
		must(t, r, KindDelete, fmt.Sprintf(`[{"device":"d%d"}]`, i))
	}
	if slots := len(r.tenants["t"].slots); slots > 2 {
		t.Errorf("%d ordinals for at most 2 devices", slots)
	}
}

// TestFreezeWhileWriting writes checkpoints on other goroutines while the registry changes. The race detector sees who writes to what is frozen.
func TestFreezeWhileWriting(t *testing.T) {
	r := empty()
	var wg sync.WaitGroup
	for i := range 200 {
		b := checkpointOf(t, r)
		write := r.Freeze()
		wg.Go(func() {
			var later bytes.Buffer
			if err := write(&later); err != nil || !bytes.Equal(later.Bytes(), b) {
				t.Errorf("freeze %d: what is written later differs: %v", i, err)
			}
		})
		kind := []uint16{KindSet, KindPatch, KindPatch, KindDelete}[i%4]
		var devices []string
		for n := range 40 {
			d := fmt.Sprintf(`{"device":"d-%d"`, (i*13+n*7)%900)
			if kind != KindDelete {
				d += fmt.Sprintf(`,"labels":{"site":"%d"},"cadence_ms":%d`, n%3, i)
			}
			if n%2 == 0 && kind == KindPatch {
				d = strings.Replace(d, `"labels":{"site":"`, `"type":"x`, 1)
				d = strings.Replace(d, `"}`, `"`, 1)
			}
			devices = append(devices, d+"}")
		}
		must(t, r, kind, "["+strings.Join(devices, ",")+"]")
	}
	wg.Wait()
}
