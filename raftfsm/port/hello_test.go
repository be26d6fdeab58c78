package port

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

// exampleHello is the one that docs/format/port.md takes apart byte by byte.
var exampleHello = hello{
	version: version, purpose: forCalls, cluster: "plant", clusterID: "5f0c", target: "n2.8b1d", server: "n1.03aa",
}

func TestHelloExample(t *testing.T) {
	b, err := exampleHello.append(nil)
	if err != nil {
		t.Fatal(err)
	}
	compareExample(t, "hello", b)
	compareExample(t, "answer", appendAnswer(nil, OtherTarget, "n2.c0de"))
}

// compareExample holds a block of the format's page against what the encoder writes.
func compareExample(t *testing.T, name string, b []byte) {
	t.Helper()
	doc, err := os.ReadFile("../../docs/format/port.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, found := strings.Cut(string(doc), "```"+name+"\n")
	block, _, closed := strings.Cut(block, "```")
	if !found || !closed {
		t.Fatalf("docs/format/port.md has no block %q", name)
	}
	var digits strings.Builder
	for line := range strings.Lines(block) {
		bytes, _, _ := strings.Cut(line, "|")
		digits.WriteString(strings.Join(strings.Fields(bytes), ""))
	}
	if got := hex.EncodeToString(b); got != digits.String() {
		t.Errorf("the example of the document is not what the encoder writes:\ndocument %s\nencoder  %s", digits.String(), got)
	}
}

func TestHelloRoundTrip(t *testing.T) {
	for _, h := range []hello{
		exampleHello,
		{version: version, purpose: forStatus, cluster: "c", server: "n"},
		{version: version, purpose: 77, cluster: strings.Repeat("c", 256), clusterID: strings.Repeat("i", 64), target: strings.Repeat("t", 100), server: strings.Repeat("s", 100)},
	} {
		b, err := h.append(nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := readHello(bytes.NewReader(b))
		if err != nil || got != h {
			t.Errorf("got %+v, %v, want %+v", got, err, h)
		}
		for n := range b {
			if _, err := readHello(bytes.NewReader(b[:n])); !errors.Is(err, OtherProtocol) {
				t.Fatalf("cut after %d of %d bytes: %v, want OtherProtocol", n, len(b), err)
			}
		}
	}
	long := hello{cluster: strings.Repeat("c", 1020), server: "n1.a"}
	if _, err := long.append(nil); err == nil {
		t.Error("a hello longer than a listener reads was made")
	}
}

func TestBadHellos(t *testing.T) {
	good, err := exampleHello.append(nil)
	if err != nil {
		t.Fatal(err)
	}
	anonymous := []byte(magic + "\x02\x02\x00\x09\x00\x01c\x00\x00\x00\x00\x00\x00")
	for name, tc := range map[string]struct {
		bytes []byte
		want  Refusal
	}{
		"http":         {[]byte("GET / HTTP/1.1\r\n\r\n"), OtherProtocol},
		"tls":          {[]byte("\x16\x03\x01\x02\x00\x01\x00\x01\xfc"), WantsPlaintext},
		"long":         {append([]byte(magic+"\x02\x02\xff\xff"), make([]byte, 1<<16)...), OtherProtocol},
		"long, next":   {append([]byte(magic+"\x03\x02\x04\x01"), make([]byte, 1025)...), OtherProtocol},
		"no server":    {anonymous, OtherProtocol},
		"text too big": {append(bytes.Clone(good[:8]), bytes.Repeat([]byte{0xff}, len(good)-8)...), OtherProtocol},
		"texts short":  {withRest(good[8:len(good)-1], 0), OtherProtocol},
		"bytes extra":  {withRest(good[8:], 1), OtherProtocol},
	} {
		if h, err := readHello(bytes.NewReader(tc.bytes)); !errors.Is(err, tc.want) {
			t.Errorf("%s: %+v, %v, want %v", name, h, err, tc.want)
		}
	}
}

// withRest is a hello whose header fits its rest, and extra bytes more.
func withRest(rest []byte, extra int) []byte {
	b := binary.BigEndian.AppendUint16([]byte(magic+"\x02\x02"), uint16(len(rest)+extra))
	return append(append(b, rest...), make([]byte, extra)...)
}

func TestAnswers(t *testing.T) {
	for _, tc := range []struct {
		bytes  string
		reason Refusal
		here   string
		fault  bool
	}{
		{bytes: "\x00\x02\x00\x00", reason: welcome},
		{bytes: "\x05\x02\x00\x04n2.b", reason: OtherTarget, here: "n2.b"},
		{bytes: "\x01", reason: OtherVersion, here: "1"}, // version 1 says no more
		{bytes: "\x00", fault: true},                     // a welcome cut short is none
		{bytes: "\x05\x02\x00\x04n2", fault: true},
		{bytes: "\x05\x02\x02\x01" + strings.Repeat("x", 513), fault: true},
		{bytes: "", fault: true},
	} {
		reason, here, err := readAnswer(strings.NewReader(tc.bytes))
		if reason != tc.reason || here != tc.here || (err != nil) != tc.fault {
			t.Errorf("%q: got %d, %q, %v", tc.bytes, reason, here, err)
		}
	}
	if got := appendAnswer(nil, OtherCluster, strings.Repeat("x", 600)); len(got) != 4+maxHere {
		t.Errorf("an answer of %d bytes: its text must be cut to %d", len(got), maxHere)
	}
}

func FuzzReadHello(f *testing.F) {
	good, err := exampleHello.append(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte("GPRT\x01\x02\x00\x04ours"))
	f.Add([]byte("\x16\x03\x01\x02\x00\x01\x00\x01\xfc"))
	f.Add([]byte("GPRT\x02\x02\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		h, err := readHello(r)
		if err != nil {
			if !errors.Is(err, OtherProtocol) && !errors.Is(err, WantsPlaintext) {
				t.Fatalf("a bad hello without a reason: %v", err)
			}
			return
		}
		if h.version != version {
			return
		}
		again, err := h.append(nil)
		if err != nil || !bytes.Equal(again, b[:len(b)-r.Len()]) {
			t.Fatalf("hello does not round-trip: %v\n%x\n%x", err, b, again)
		}
	})
}

func FuzzReadAnswer(f *testing.F) {
	f.Add(appendAnswer(nil, OtherTarget, "n2.b"))
	f.Add([]byte("\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		reason, here, err := readAnswer(r)
		if err != nil || len(b) == 1 {
			return
		}
		if want := appendAnswer(nil, reason, here); !bytes.Equal(append(want[:1], want[2:]...), append(bytes.Clone(b[:1]), b[2:len(b)-r.Len()]...)) {
			t.Fatalf("answer %x does not round-trip to %x", b, want)
		}
	})
}

// What the release before sends, and reads: its bytes must get an answer that it understands, and its answer is understood.
func TestVersionOne(t *testing.T) {
	p := listen(t, "ours", "n1.a")
	conn := rawDial(t, p)
	if _, err := conn.Write([]byte("GPRT\x01\x02\x00\x04ours")); err != nil {
		t.Fatal(err)
	}
	var answer [1]byte
	if _, err := io.ReadFull(conn, answer[:]); err != nil || answer[0] != 1 {
		t.Errorf("a hello of version 1 is answered %d, %v, want 1: another version", answer[0], err)
	}
	old := oldListener(t)
	_, err := p.Call(t.Context(), JoinAddress("n2.b", old), 5, nil)
	if !errors.Is(err, OtherVersion) {
		t.Errorf("a call to a node of version 1: %v, want OtherVersion", err)
	}
}
