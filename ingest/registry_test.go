package ingest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger/registry"
)

// TestRegister tells what one device's life in the registry looks like from outside.
func TestRegister(t *testing.T) {
	d := newDoor(t, doorOptions{})
	for i, c := range []struct {
		method, path, body string
		status             int
		want               string // of the answer, without its position; a code for an error
	}{
		{"PUT", "hall%2F3", `{"labels":{"site":"graz"},"type":"mill","rule":{"restart_drop":500}}`, 200,
			`"revision":1,"changed":1,"unchanged":0,"device":{"device":"hall/3","labels":{"site":"graz"},"type":"mill","rule":{"restart_drop":500},"revision":1,"changed_ms":1795255200000}}`},
		{"PUT", "hall%2F3", `{"labels":{"site":"graz"},"type":"mill","rule":{"restart_drop":500}}`, 200, `"revision":1,"changed":0,"unchanged":1,"device":{"device":"hall/3"`},
		{"PATCH", "hall%2F3?expect=1", `{"labels":{"line":"2"},"type":null}`, 200,
			`"revision":2,"changed":1,"unchanged":0,"device":{"device":"hall/3","labels":{"line":"2","site":"graz"},"rule":{"restart_drop":500},"revision":2,"changed_ms":1795255200000}}`},
		{"PATCH", "hall%2F3", `{"device":"hall/3","expect":1,"type":"x"}`, 409, "revision_changed"},
		{"PATCH", "hall%2F3?expect=1", `{"expect":2,"type":"x"}`, 409, "revision_changed"},
		{"DELETE", "hall%2F3?expect=1", ``, 409, "revision_changed"},
		{"PATCH", "hall%2F3", `{"device":"hall/4"}`, 400, "bad_device"},
		{"PATCH", "hall%2F3", `{"colour":"red"}`, 400, "bad_json"},
		{"PATCH", "hall%2F3", `{"class":"alarm"}`, 400, "bad_class"},
		{"PUT", "hall%2F3?expect=-1", `{}`, 400, "bad_parameter"},
		{"PUT", "_audit", `{}`, 400, "name_reserved"},
		{"PUT", "a", ``, 400, "empty_body"},
		{"PUT", "a", `[{}]`, 400, "bad_json"},
		{"DELETE", "hall%2F3?expect=2", ``, 200, `"revision":3,"changed":1,"unchanged":0,"device":{"device":"hall/3"`},
		{"DELETE", "hall%2F3", ``, 404, "unknown_device"},
	} {
		got := d.send(request{method: c.method, path: "/v1/devices/" + c.path, body: []byte(c.body)})
		_, rest, _ := strings.Cut(string(got.body), ",")
		if got.status != c.status || got.code != c.want && !strings.HasPrefix(rest, c.want) {
			t.Errorf("step %d: %s %s: %d %s", i, c.method, c.path, got.status, got.body)
		}
	}
	if got := d.send(request{method: "PUT", path: "/v1/devices/a", body: []byte(`{}`), kind: "application/x-ndjson"}); got.code != "unknown_content_type" {
		t.Errorf("NDJSON for one device: %s", got.body)
	}
	c, err := registry.ParseCommand(d.proposer.commands[0].body)
	if err != nil || c.Tenant != "default" || c.By != auth.Anonymous {
		t.Errorf("the command names tenant %q and %q: %v", c.Tenant, c.By, err)
	}
	if now := d.balance(); now.Received != 0 {
		t.Errorf("a registration is no frame: %+v", now)
	}
}

func TestRegisterNeedsAdmin(t *testing.T) {
	d := newDoor(t, doorOptions{secured: true}) // with a token that may write
	for _, r := range []request{{method: "PUT", path: "/v1/devices/a"}, {method: "PATCH", path: "/v1/devices/a"}, {method: "DELETE", path: "/v1/devices/a"}, {path: "/v1/devices"}} {
		r.body = []byte(`{"device":"a"}`)
		if got := d.send(r); got.status != 403 {
			t.Errorf("%s %s: %d %s", r.method, r.path, got.status, got.body)
		}
	}
}

func lines(from, to int, rest string) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, `{"device":"d-%d"%s}`+"\n", i, rest)
	}
	return b.String()
}

func array(lines string) string {
	return "[" + strings.ReplaceAll(strings.TrimSpace(lines), "\n", ",") + "]"
}

func TestRegisterMany(t *testing.T) {
	d := newDoor(t, doorOptions{})
	send := func(query, kind, body string) reply {
		return d.send(request{path: "/v1/devices" + query, kind: kind, body: []byte(body)})
	}
	for i, c := range []struct {
		query, kind, body string
		status            int
		want              string // after the position, or a code
		devices           int    // registered afterwards
	}{
		{"", "application/json", `{"device":"one"}`, 200, `"commands":1,"revision":1,"changed":1,"unchanged":0}`, 1},
		{"", "application/json", ` [{"device":"one"}, {"device":"two","type":"mill"}] `, 200, `"commands":1,"revision":2,"changed":1,"unchanged":1}`, 2},
		{"", "application/x-ndjson", "\n" + lines(0, 25_000, ``), 200, `"commands":3,"revision":5,"changed":25000,"unchanged":0}`, 25_002},
		{"?do=patch", "application/x-ndjson", lines(0, 10_001, `,"type":"mill"`), 200, `"commands":2,"revision":7,"changed":10001,"unchanged":0}`, 25_002},
		{"?do=patch", "application/json", array(lines(0, 2, `,"expect":1`)), 409, "revision_changed", 25_002},
		{"?do=delete", "application/json", array(lines(24_000, 26_000, ``)), 200, `"commands":1,"revision":8,"changed":1000,"unchanged":1000}`, 24_002},
		{"?do=set", "application/x-ndjson", lines(0, 2, ``) + lines(0, 1, ``), 400, "duplicate_device", 24_002},
		{"?do=forget", "application/json", `[]`, 400, "bad_parameter", 24_002},
		{"", "application/json", `[]`, 400, "empty_body", 24_002},
		{"", "application/x-ndjson", "\n\n", 400, "empty_body", 24_002},
		{"", "application/json", `[{"device":"a"}`, 400, "bad_json", 24_002},
		{"", "application/json", `[{"device":"a"}]]`, 400, "bad_json", 24_002},
		{"", "application/json", `[{"device":"a"},17]`, 400, "bad_json", 24_002},
		{"", "application/json", `17`, 400, "bad_json", 24_002},
		{"", "application/vnd.gapless.batch", `x`, 415, "unknown_content_type", 24_002},
		{"", "application/json", `[{"device":"` + strings.Repeat("a", registry.MaxCommandBytes) + `"}]`, 400, "bad_command", 24_002},
	} {
		got := send(c.query, c.kind, c.body)
		_, rest, _ := strings.Cut(string(got.body), ",")
		if got.status != c.status || got.code != c.want && rest != c.want || d.proposer.devices.Len("default") != c.devices {
			t.Errorf("step %d: %d %s, %d devices", i, got.status, got.body, d.proposer.devices.Len("default"))
		}
	}
}

// TestRegisterManyStopsAtARefusal: commands before the refused one are stored, and the answer says how many devices that are. Syntax is read before the first.
func TestRegisterManyStopsAtARefusal(t *testing.T) {
	d := newDoor(t, doorOptions{})
	text := lines(0, 20_000, ``) + `{"device":"late","class":"alarm"}` + "\n" + lines(20_000, 21_000, ``)
	got := d.send(request{path: "/v1/devices", kind: "application/x-ndjson", body: []byte(text)})
	if got.code != "bad_class" || !strings.HasSuffix(got.answer.Error.Message, "; the first 20000 devices are stored") || d.proposer.devices.Len("default") != 20_000 {
		t.Errorf("%d %s, %d devices", got.status, got.body, d.proposer.devices.Len("default"))
	}
	got = d.send(request{path: "/v1/devices", kind: "application/x-ndjson", body: []byte(lines(30_000, 45_000, ``) + `{"device":"x","typo":1}`)})
	if got.code != "bad_json" || !strings.HasPrefix(got.answer.Error.Message, "item 15000: ") || d.proposer.devices.Len("default") != 20_000 {
		t.Errorf("%d %s, %d devices", got.status, got.body, d.proposer.devices.Len("default"))
	}
}

// TestCommandsHaveNoMoreBytesThanTheyMay: devices with much to say travel in more commands.
func TestCommandsHaveNoMoreBytesThanTheyMay(t *testing.T) {
	d := newDoor(t, doorOptions{})
	labels := map[string]string{}
	for i := range registry.MaxLabels {
		labels[fmt.Sprint("label ", i)] = strings.Repeat("ü", 100)
	}
	b, _ := json.Marshal(labels)
	got := d.send(request{path: "/v1/devices", kind: "application/x-ndjson", body: []byte(lines(0, 300, `,"labels":`+string(b)))})
	if got.status != 200 || d.proposer.devices.Len("default") != 300 || len(d.proposer.commands) != 4 {
		t.Errorf("%d %.200s, %d devices in %d commands", got.status, got.body, d.proposer.devices.Len("default"), len(d.proposer.commands))
	}
}

// TestClassOfTheRegistry: a frame whose sender said nothing of a class has that of its device, and the registry is asked once a request.
func TestClassOfTheRegistry(t *testing.T) {
	var p *fakeProposer
	asked := 0
	d := newDoor(t, doorOptions{Options: Options{Devices: func() registry.Snapshot { asked++; return p.devices.Snapshot() }}})
	p = d.proposer
	classes := func(body string) string {
		t.Helper()
		d.ndjson(body)
		var out []string
		for _, f := range p.last().frames {
			out = append(out, fmt.Sprint(f.key.Device, f.frame.Class == frame.ClassSnapshot))
		}
		return strings.Join(out, " ")
	}
	frames := `{"device":"cam","seq":%[1]d}` + "\n" + `{"device":"cam","seq":%[1]d,"stream":"b","class":"event"}` + "\n" + `{"device":"cam","seq":%[1]d,"stream":"c"}` + "\n" +
		`{"device":"door","seq":%[1]d}` + "\n" + `{"device":"door","seq":%[1]d,"stream":"b","class":"snapshot"}` + "\n" + `{"device":"nobody","seq":%[1]d}`
	if got := classes(fmt.Sprintf(frames, 1)); got != "camfalse camfalse camfalse doorfalse doortrue nobodyfalse" {
		t.Error("nobody is registered:", got)
	}
	d.send(request{path: "/v1/devices", body: []byte(`[{"device":"cam","class":"snapshot"},{"device":"door","class":"event"}]`)})
	asked = 0
	if got := classes(fmt.Sprintf(frames, 2)); got != "camtrue camfalse camtrue doorfalse doortrue nobodyfalse" || asked != 1 {
		t.Errorf("%s, asked %d times", got, asked)
	}
	d.send(request{method: "DELETE", path: "/v1/devices/cam"})
	if got := classes(fmt.Sprintf(frames, 3)); got != "camfalse camfalse camfalse doorfalse doortrue nobodyfalse" {
		t.Error("after the entry is gone:", got)
	}
	if _, err := p.devices.Apply(9, 1, 0, registry.KindSet, 1, []byte(`{"tenant":"other","devices":[{"device":"cam","class":"snapshot"}]}`)); err != nil {
		t.Fatal(err)
	}
	if got := classes(fmt.Sprintf(frames, 4)); got != "camfalse camfalse camfalse doorfalse doortrue nobodyfalse" {
		t.Error("an entry of another tenant:", got)
	}
}

// TestClassIsOfTheTenant: the device of that name of another tenant is another device.
func TestClassIsOfTheTenant(t *testing.T) {
	p := newFakeProposer(t)
	if _, err := p.devices.Apply(1, 1, 0, registry.KindSet, 1, []byte(`{"tenant":"a","devices":[{"device":"cam","class":"snapshot"}]}`)); err != nil {
		t.Fatal(err)
	}
	for tenant, want := range map[string]frame.Class{"a": frame.ClassSnapshot, "b": frame.ClassEvent, frame.DefaultTenant: frame.ClassEvent} {
		c := new(Collector)
		c.reset(frame.Header{}, tenant, p.devices.Snapshot())
		if got := c.classOf(3, "cam"); got != want {
			t.Errorf("tenant %s: %v, want %v", tenant, got, want)
		}
	}
}
