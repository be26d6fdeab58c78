package census

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/google/go-cmp/cmp"
)

// FuzzParse: what is read has one form, is whole, and can be judged in any range.
func FuzzParse(f *testing.F) {
	for _, l := range goldenLeaves() {
		f.Add(l.Append(nil), uint64(0), uint64(10))
	}
	f.Add([]byte(magic+"\x01t\x01d\x010\x01\x01\x00\x03\x03\x01\x00\x00\x02\x01\x02"), uint64(1), uint64(1))
	f.Fuzz(func(t *testing.T, b []byte, first, last uint64) {
		l, err := Parse(b)
		if err != nil {
			if l != nil || !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrVersion) {
				t.Fatalf("%v with %v", l, err)
			}
			return
		}
		if got := l.Append(nil); !bytes.Equal(got, b) {
			t.Fatalf("%x is read as %x", b, got)
		}
		worst := ledger.Grade(0)
		for i := range l.Epochs {
			e := &l.Epochs[i]
			balance := e.Balance()
			if balance.Stored+balance.Open+balance.Lost+balance.Declared+balance.Shed+balance.Rejected+balance.Expired != balance.Expected {
				t.Fatalf("epoch %d does not balance: %+v", i+1, balance)
			}
			g, why := e.Grade()
			if s := e.Statement(); s.Grade != g || !slices.Equal(s.Reasons, why) || s.Stored != balance.Stored {
				t.Fatalf("epoch %d: %v %v, and %+v", i+1, g, why, s)
			}
			s := e.Within(Range{first, last})
			if sum := s.Stored + s.Open; s.Expected < sum || s.Grade == ledger.Complete && s.Stored < s.Expected {
				t.Fatalf("epoch %d, %d to %d: %+v", i+1, first, last, s)
			}
			if worst == 0 || g < worst {
				worst = g
			}
		}
		if l.Grade() != worst {
			t.Fatalf("grade %v, the worst is %v", l.Grade(), worst)
		}
	})
}

// Each byte that changes, is missing or is too many makes another leaf, or none: never the same one, and never a panic.
func TestChangedBytesAreAnotherLeaf(t *testing.T) {
	for name, l := range goldenLeaves() {
		b := l.Append(nil)
		for i := range b {
			for bit := range 8 {
				bad := bytes.Clone(b)
				bad[i] ^= 1 << bit
				if read, err := Parse(bad); err == nil && !bytes.Equal(read.Append(nil), bad) {
					t.Errorf("%s: byte %d is %#x, and it is read as another form", name, i, bad[i])
				}
			}
			if _, err := Parse(b[:i]); !errors.Is(err, ErrMalformed) {
				t.Errorf("%s: cut at %d: %v", name, i, err)
			}
		}
		if _, err := Parse(append(b, 0)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s with a byte behind it: %v", name, err)
		}
	}
}

func TestParseSharesNoMemory(t *testing.T) {
	b := everything().Append(nil)
	read, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	for i := range b {
		b[i] = 0xff
	}
	if diff := cmp.Diff(everything(), read); diff != "" {
		t.Error(diff)
	}
}

// leafOf puts an epoch's bytes into a leaf.
func leafOf(epoch string) string { return magic + "\x01t\x01d\x010\x01" + epoch }

// Content that no ledger means, and a second form of the same content, are refused. The first line is what the others bend.
func TestParseRefuses(t *testing.T) {
	const plain = "\x01\x00\x03\x03\x01\x00\x05\x02\x01\x02" // begun, declared, head declared, tail last seen; 5 and 6 are stored
	for _, tt := range []struct{ name, leaf, want string }{
		{"nothing", leafOf(plain), ""},
		{"no bytes", "", "begins with \"\""},
		{"another file", "gapless/strip/v1.....", "begins with"},
		{"a name of 0 bytes", magic + "\x01t\x00\x010\x00", "device is empty"},
		{"a control character", magic + "\x01t\x01\n\x010\x00", "control character"},
		{"broken UTF-8", magic + "\x01t\x01\xff\x010\x00", "not valid UTF-8"},
		{"a name of 257 bytes", magic + "\x81\x02" + strings.Repeat("t", 257) + "\x01d\x010\x00", "limit is 256"},
		{"a length in a longer form", magic + "\x81\x00t\x01d\x010\x00", "no valid number"},
		{"epochs without bytes", magic + "\x01t\x01d\x010\x05", "number of epochs is 5"},
		{"an unknown flag", leafOf("\x11\x00\x03\x03\x01\x00\x05\x02\x01\x02"), "flags 0x11"},
		{"an unknown field", leafOf("\x01\x80\x03\x03\x01\x00\x05\x02\x01\x02"), "flags 0x80"},
		{"an unknown source", leafOf("\x01\x00\x04\x03\x01\x00\x05\x02\x01\x02"), "source 4"},
		{"an unknown head", leafOf("\x01\x00\x03\x04\x01\x00\x05\x02\x01\x02"), "head basis 4"},
		{"an unknown tail", leafOf("\x01\x00\x03\x03\x05\x00\x00\x05\x02\x01\x02"), "tail basis 5"},
		{"protocol zero at 5", leafOf("\x01\x00\x03\x02\x01\x00\x05\x02\x01\x02"), "head basis 2"},
		{"a seal without its number", leafOf("\x01\x00\x03\x03\x04\x00\x00\x05\x02\x01\x02"), "tail basis seal, sealed false"},
		{"a seal that is not the tail's", leafOf("\x01\x01\x03\x03\x01\x00\x05\x02\x06\x01\x02"), "tail basis last_seen, sealed true"},
		{"a seal beyond the end", leafOf("\x01\x01\x03\x03\x01\x00\x05\x02\x07\x01\x02"), "sealed at 7"},
		{"a count without a seal", leafOf("\x01\x02\x03\x03\x01\x00\x05\x02\x07\x01\x02"), "counted true 7"},
		{"numbers and none begun", leafOf("\x00\x00\x03\x01\x01\x00\x05\x02\x01\x02"), "none is known"},
		{"declared and none begun", leafOf("\x00\x00\x03\x03\x01\x00\x00\x00"), "none is known"},
		{"numbers beyond the last", leafOf("\x01\x00\x03\x03\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x02\x01\x02"), "expected is 2, the limit is 1"},
		{"an empty piece", leafOf("\x01\x00\x03\x03\x01\x00\x05\x02\x01\x00\x01\x02"), "empty piece"},
		{"a piece that is too long", leafOf("\x01\x00\x03\x03\x01\x00\x05\x02\x01\x03"), "numbers of a piece is 3, the limit is 2"},
		{"a piece that is missing", leafOf("\x01\x00\x03\x03\x01\x00\x05\x02\x01\x01"), "ends too early"},
		{"a piece too many", leafOf("\x01\x00\x03\x03\x01\x00\x05\x02\x01\x02\x02\x01"), "2 bytes follow"},
		{"two runs that touch", leafOf("\x01\x00\x03\x03\x01\x00\x05\x02\x01\x01\x01\x01"), "the next begins at 6"},
		{"two gaps that are one", leafOf("\x01\x00\x03\x03\x01\x00\x05\x02\x02\x01\x02\x01"), "is the same"},
		{"kind 0", leafOf("\x01\x00\x03\x03\x01\x00\x05\x02\x00\x02"), "unknown kind 0"},
		{"a cause of 0", leafOf("\x01\x00\x03\x03\x01\x00\x05\x02\x10\x02"), "unknown kind 16"},
		{"a cause that no number has", leafOf("\x01\x00\x03\x03\x01\x00\x05\x02\x1c\x02"), "unknown kind 28"},
		{"stored for a reason", leafOf("\x01\x00\x03\x03\x01\x00\x05\x02\x81\x02\x01x"), "unknown kind 129"},
		{"open for a reason", leafOf("\x01\x00\x03\x03\x01\x00\x05\x02\x82\x02\x01x"), "unknown kind 130"},
		{"an empty reason", leafOf("\x01\x00\x03\x03\x01\x00\x05\x02\x91\x02\x00"), "an empty reason"},
		{"a reason of broken UTF-8", leafOf("\x01\x00\x03\x03\x01\x00\x05\x02\x91\x02\x01\xff"), "reason \"\\xff\""},
		{"never arrived for a reason", leafOf("\x01\x00\x03\x03\x01\x00\x05\x02\x9b\x02\x01x"), "cause 11 with reason \"x\""},
		{"a reason of 257 bytes", leafOf("\x01\x00\x03\x03\x01\x00\x05\x02\x91\x02\x81\x02" + strings.Repeat("x", 257)), "limit is 256"},
		{"split from itself", leafOf("\x01\x04\x03\x03\x01\x00\x05\x02\x01\x01\x02"), "split from epoch 1"},
		{"split from epoch 0", leafOf("\x01\x04\x03\x03\x01\x00\x05\x02\x00\x01\x02"), "split from epoch 0"},
		{"split from epoch 2^32", leafOf("\x01\x04\x03\x03\x01\x00\x05\x02\x80\x80\x80\x80\x10\x01\x02"), "split from epoch 4294967296"},
		{"linked to nothing", leafOf("\x01\x08\x03\x03\x01\x00\x05\x02\x01\x01\x02"), "linked true by 1"},
		{"an offset of 0", leafOf("\x01\x10\x03\x03\x01\x00\x05\x02\x00\x01\x02"), "an offset of 0"},
		{"no wraps", leafOf("\x01\x20\x03\x03\x01\x00\x05\x02\x00\x00\x01\x02"), "no wraps are none"},
		{"wraps turned round", leafOf("\x01\x20\x03\x03\x01\x00\x05\x02\x02\x01\x01\x02"), "2 to 1 wraps"},
		{"counters of 0", leafOf("\x01\x40\x03\x03\x01\x00\x05\x02\x00\x00\x00\x00\x00\x00\x00\x01\x02"), "counters of 0"},
		{"an epoch value with a line end", leafOf("\x01\x00\x03\x03\x01\x01\n\x05\x02\x01\x02"), "control character"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse([]byte(tt.leaf))
			if tt.want == "" && err != nil || tt.want != "" && (!errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
	if _, err := Parse([]byte("gapless/census/v2\x00")); !errors.Is(err, ErrVersion) || errors.Is(err, ErrMalformed) {
		t.Errorf("another version: %v", err)
	}
}

// What a cause's number means is frozen with the format: one that is added or moved would make old leaves say something else.
func TestCausesOfTheFormat(t *testing.T) {
	want := strings.Fields("declared_lost rejected.crc rejected.schema rejected.auth rejected.oversize " +
		"shed.snapshot shed.quota shed.disk expired erased never_arrived")
	for kind := 0; kind < 256; kind++ {
		g, ok := gapOf(byte(kind))
		n := kind&^kindReason - kindCause - 1
		switch {
		case kind == kindOpen || kind == kindRequested:
			if !ok || g.Cause != 0 || g.Confidence() != "" {
				t.Errorf("kind %d is %+v", kind, g)
			}
		case ok != (n >= 0 && n < len(want)), ok && g.Cause.String() != want[n]:
			t.Errorf("kind %d is %v %+v", kind, ok, g)
		}
	}
	crc, lost, shed := Gap{Cause: frame.CauseRejectedCRC}, Gap{Cause: frame.CauseNeverArrived}, Gap{Cause: frame.CauseShedDisk}
	if crc.Confidence() != "header_unprotected" || lost.Confidence() != "inferred" || shed.Confidence() != "exact" {
		t.Errorf("confidence %s, %s, %s", crc.Confidence(), lost.Confidence(), shed.Confidence())
	}
}
