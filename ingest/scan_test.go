package ingest

import (
	"bytes"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger/registry"
	"github.com/valyala/fasthttp"
)

func newTestCollector() *Collector {
	c := new(Collector)
	c.reset(frame.Header{}, frame.DefaultTenant, registry.Snapshot{})
	return c
}

// What the plain way takes, the thorough way takes, and makes the same of it: items, faults, bytes of the batch.
func FuzzScan(f *testing.F) {
	for _, bad := range badInputs() {
		if len(bad.send.body) < 1<<12 && bad.send.kind != eventBatch {
			f.Add(bad.send.body)
		}
	}
	f.Add(benchBody(2, " [ ", " ,\r\n\t", " ] "))
	f.Add([]byte(`{"device":"ä☃","epoch":7,"bits":16,"first":0,"seq":9,"time":"2026-11-21T10:00:00Z","class":"snapshot","raw":"AAEC","fields":{}}`))
	f.Add([]byte(`[{"device":"a","time_ms":-5,"fields":{"a":-0,"b":-0.0,"c":1e5,"d":1E-07,"e":0.30000000000000004,"f":18446744073709551615,"g":-9223372036854775808,"h":00,"i":1.,"j":"x\n"}}]`))
	f.Add([]byte(`[{"device":"a","device":"b"},{"device":"a","fields":{"x":1,"x":2}},{},1,"",null,{"device":"b","fields":{"x":[]}}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		plain, thorough := newTestCollector(), newTestCollector()
		done, err := plain.plain(body)
		want := thorough.thorough(body)
		if done {
			if (err == nil) != (want == nil) || err != nil && err.Error() != want.Error() {
				t.Fatalf("%v, thoroughly %v", err, want)
			}
			equalCollectors(t, plain, thorough)
		}
		for line := range bytes.Lines(body) {
			if line = trimJSON(line); len(line) == 0 {
				continue
			}
			plain.restart()
			thorough.restart()
			if err := plain.line(line); err != nil {
				t.Fatal(err)
			}
			if err := thorough.thoroughLine(line); err != nil {
				t.Fatal(err)
			}
			equalCollectors(t, plain, thorough)
		}
	})
}

func equalCollectors(t *testing.T, a, b *Collector) {
	t.Helper()
	if a.items != b.items || !reflect.DeepEqual(a.rejected, b.rejected) || !reflect.DeepEqual(a.added, b.added) {
		t.Fatalf("%d items, rejected %v; thoroughly %d items, %v", a.items, a.rejected, b.items, b.rejected)
	}
	if a.items == 0 {
		return
	}
	got, _, errA := a.batch()
	want, _, errB := b.batch()
	if errA != nil || errB != nil || !bytes.Equal(got, want) {
		t.Fatalf("batches differ: %x, %x; %v, %v", got, want, errA, errB)
	}
}

// The plain way must be the way of what devices send, or it is slow for nothing.
func TestPlainItemsAreScanned(t *testing.T) {
	for _, text := range []string{
		string(benchBody(1, "", "", "")),
		`{"device":"mühle","fields":{"°C":21.5,"\u00e4\n":"a\"b\\"}}`,
		" {\n\t\"device\" : \"a\" , \"fields\" : { } }",
		`{"device":"a","seq":0,"epoch":"boot-3","bits":8,"first":0,"class":"snapshot","raw":"AAEC","time":"2026-11-21T10:00:00.25Z"}`,
		`{"device":"a","fields":{"x":-1.7976931348623157e+308,"y":18446744073709551615,"z":-9223372036854775808,"n":-0,"t":true,"f":false,"s":""}}`,
	} {
		var it frameObject
		s := scanner{text: []byte(text)}
		if !it.scan(&s) || s.at != len(text) {
			t.Errorf("not plain from byte %d on: %s", s.at, text)
		}
	}
}

// Every text cut short, and with a byte too many, must be left to the thorough way.
func TestNothingBrokenIsPlain(t *testing.T) {
	whole := `{"device":"a","seq":17,"time_ns":-5,"fields":{"x":-1.5e+3,"y":"text","z":true,"w":10.25}}`
	for i := range whole {
		for _, broken := range []string{whole[:i], whole[:i] + "\x00" + whole[i:], whole[:i] + `\q` + whole[i:]} {
			var it frameObject
			s := scanner{text: []byte(broken)}
			if it.scan(&s) && s.at == len(broken) {
				t.Errorf("taken: %s", broken)
			}
		}
	}
	for _, bad := range []string{"", "-", "01", "-01", "1.", ".5", "1e", "1e+", "+1", "0x1", "1_0", "Infinity", "NaN", "tru", "TRUE", "null", "1.5.5", "--1", "1e400", "18446744073709551616"} {
		var it frameObject
		text := `{"device":"a","fields":{"x":` + bad + `}}`
		if s := (scanner{text: []byte(text)}); it.scan(&s) {
			t.Errorf("taken: %s", text)
		}
	}
}

// A document that turns out to be broken is read again from its beginning, and nothing of the first reading counts.
func TestBrokenDocumentIsReadOnce(t *testing.T) {
	d := newDoor(t, doorOptions{})
	if got := d.json("[" + strings.Repeat("1,", maxRejected*2/3) + "}"); got.status != 400 || got.code != "bad_json" {
		t.Errorf("%d %s", got.status, got.body)
	}
	if now := d.balance(); now.Undecodable != 1 || now.Received != 1 {
		t.Errorf("counted as %+v", now)
	}
}

// What Post returned stays as it is when the collector goes on to the next request.
func TestAnswersAreTheCallers(t *testing.T) {
	h, err := New(newFakeProposer(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	post := func(body string) *Answer {
		var ctx fasthttp.RequestCtx
		ctx.Request.Header.SetContentType(lineJSON)
		ctx.Request.SetBodyString(body)
		a, err := h.Post(&ctx, auth.Principal{Tenant: "default"}, readContentType)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	first := post("1\n2\n")
	kept := slices.Clone(first.Rejected)
	post(`{"device":"a"}` + "\n\"x\n[]\n{}\n")
	if !slices.Equal(first.Rejected, kept) {
		t.Errorf("%+v became %+v", kept, first.Rejected)
	}
}

// Numbers come out of both ways with the same bits and the same decimal form.
func TestScannedNumbers(t *testing.T) {
	list := []string{"0", "-0", "0.0", "-0.0", "0.000", "9007199254740991.0", "900719925474099.1", "900719925474099.2", "0.9007199254740991", "9007199254740992",
		"0.00000000000000000000001", "1e22", "1e23", "123456789012345678.5", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
		"-9223372036854775809", "9999999999999999999", "10000000000000000000", "18446744073709551615", "0.1234567890123456789", "5e-324", "1E5", "1e-400"}
	for scale := range 24 {
		list = append(list, "0."+strings.Repeat("0", scale)+"7", "-3."+strings.Repeat("1", scale+1))
	}
	for _, text := range list {
		want, wantOK := number([]byte(text))
		var got frame.Value
		s := scanner{text: []byte(text)}
		ok := s.number(&got)
		if ok != wantOK || ok && (!reflect.DeepEqual(got, want) || s.at != len(text)) {
			t.Errorf("%s: scanned %+v %v, want %+v %v", text, got, ok, want, wantOK)
		}
		if f := got.Float64(); ok && math.IsInf(f, 0) {
			t.Errorf("%s became %v", text, f)
		}
	}
}
