package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gaplessdb/gapless/ledger"
)

const mill = `{"device":"mill-07","labels":{"line":"2","site":"graz"},"type":"mill","cadence_ms":1000,"class":"snapshot","first":1,` +
	`"rule":{"restart_below":10,"restart_drop":500,"misorder_window":20,"protocol_zero":false}}`

func TestSetPatchDelete(t *testing.T) {
	r := empty()
	steps := []struct {
		kind    uint16
		devices string
		want    string // of mill-07 afterwards
		result  Result
	}{
		{KindSet, `[` + mill + `]`, mill, Result{1, 1, 0, nil}},
		{KindSet, `[` + mill + `]`, mill, Result{1, 0, 1, nil}},
		{KindPatch, `[{"device":"mill-07"}]`, mill, Result{1, 0, 1, nil}},
		{KindPatch, `[{"device":"mill-07","expect":1,"labels":{"line":null,"hall":"b"},"rule":{"restart_drop":null,"restart_below":0}}]`,
			`{"device":"mill-07","labels":{"hall":"b","site":"graz"},"type":"mill","cadence_ms":1000,"class":"snapshot","first":1,` +
				`"rule":{"restart_below":0,"misorder_window":20,"protocol_zero":false}}`, Result{2, 1, 0, nil}},
		{KindPatch, `[{"device":"mill-07","labels":null,"type":null,"cadence_ms":null,"class":null,"first":null}]`,
			`{"device":"mill-07","rule":{"restart_below":0,"misorder_window":20,"protocol_zero":false}}`, Result{3, 1, 0, nil}},
		{KindPatch, `[{"device":"mill-07","rule":null,"first":7}]`, `{"device":"mill-07","first":7}`, Result{4, 1, 0, nil}},
		{KindSet, `[{"device":"mill-07","expect":4}]`, `{"device":"mill-07"}`, Result{5, 1, 0, nil}},
		{KindPatch, `[{"device":"mill-08","expect":0,"type":"mill"}]`, `{"device":"mill-07"}`, Result{6, 1, 0, nil}},
		{KindDelete, `[{"device":"mill-07"},{"device":"nobody"}]`, ``, Result{7, 1, 1, nil}},
		{KindDelete, `[{"device":"mill-07","expect":0}]`, ``, Result{7, 0, 1, nil}},
		{KindSet, `[{"device":"mill-07","expect":0}]`, `{"device":"mill-07"}`, Result{8, 1, 0, nil}},
	}
	for i, s := range steps {
		res := must(t, r, s.kind, s.devices)
		single := !strings.Contains(s.devices, "},{")
		if shown := res.Device; single && s.want != "" && (shown == nil || shown.Revision == 0 || shown.ChangedMS != t0) {
			t.Errorf("step %d: shows %+v", i, shown)
		}
		res.Device = nil
		if got := get(t, r, "mill-07"); got != s.want || res != s.result {
			t.Errorf("step %d: %s, %+v\nwant %s, %+v", i, got, res, s.want, s.result)
		}
	}
}

// TestRefusals: each refusal has its code and changes nothing, whatever stands before it in the command.
func TestRefusals(t *testing.T) {
	label := func(name, value string) string { return fmt.Sprintf(`[{"device":"a","labels":{%q:%q}}]`, name, value) }
	many := &strings.Builder{}
	for i := range MaxLabels + 1 {
		fmt.Fprintf(many, `,"l%d":"v"`, i)
	}
	for _, c := range []struct {
		kind    uint16
		devices string
		code    string
	}{
		{KindSet, `[]`, CodeBadCommand},
		{KindSet, `[{"device":"a"},{"device":"b"},{"device":"a"}]`, CodeDuplicateDevice},
		{KindSet, `[{"devise":"a"}]`, CodeBadJSON},
		{KindSet, `[{"device":"a","Type":"x"}]`, CodeBadJSON},
		{KindSet, `[{"device":"a","type":"x","type":"y"}]`, CodeBadJSON},
		{KindSet, `[{"device":"a","rule":{"first":1}}]`, CodeBadJSON},
		{KindSet, `[{"device":"a","rule":{"grace_ms":1}}]`, CodeBadJSON},
		{KindSet, `[{"device":"a","first":-1}]`, CodeBadJSON},
		{KindSet, `[{"device":"a","first":1.5}]`, CodeBadJSON},
		{KindSet, `[{"device":"a","labels":{"x":1}}]`, CodeBadJSON},
		{KindSet, `[{"device":"` + "\xff" + `"}]`, CodeBadJSON},
		{KindSet, `[{"device":"a"}]}{`, CodeBadJSON},
		{KindSet, `[{}]`, CodeDeviceRequired},
		{KindSet, `[{"device":"_audit"}]`, "name_reserved"},
		{KindSet, `[{"device":"a\u0007"}]`, "name_control"},
		{KindSet, `[{"device":"` + strings.Repeat("a", 257) + `"}]`, "name_too_long"},
		{KindSet, label("type", "x"), CodeBadLabel},
		{KindSet, label("a=b", "x"), CodeBadLabel},
		{KindSet, label("", "x"), CodeBadLabel},
		{KindSet, label("a", ""), CodeBadLabel},
		{KindSet, label("a", "\t"), CodeBadLabel},
		{KindSet, `[{"device":"a","labels":{` + many.String()[1:] + `}}]`, CodeTooManyLabels},
		{KindSet, `[{"device":"a","type":"` + strings.Repeat("t", 257) + `"}]`, CodeBadType},
		{KindSet, `[{"device":"a","cadence_ms":-1}]`, CodeBadCadence},
		{KindSet, `[{"device":"a","cadence_ms":315360000001}]`, CodeBadCadence},
		{KindSet, `[{"device":"a","class":"alarm"}]`, CodeBadClass},
		{KindSet, `[{"device":"a","first":9223372036854775807}]`, CodeBadRule},
		{KindSet, `[{"device":"a","rule":{"misorder_window":0}}]`, CodeBadRule},
		{KindSet, `[{"device":"new","type":"x"},{"device":"known","expect":0}]`, CodeRevisionChanged},
		{KindPatch, `[{"device":"new","type":"x"},{"device":"known","expect":2}]`, CodeRevisionChanged},
		{KindPatch, `[{"device":"unknown","expect":1}]`, CodeRevisionChanged},
		{KindDelete, `[{"device":"known","expect":2}]`, CodeRevisionChanged},
		{KindDelete, `[{"device":"known","type":null}]`, CodeBadCommand},
		{KindSet, `[{"device":"` + strings.Repeat("a", MaxCommandBytes) + `"}]`, CodeBadCommand},
	} {
		r := empty()
		must(t, r, KindSet, `[{"device":"known"}]`)
		before := checkpointOf(t, r)
		_, err := do(t, r, c.kind, c.devices)
		name := c.devices[:min(len(c.devices), 80)]
		if codeOf(err) != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
			continue
		}
		code, message, hint, conflict := err.(*Error).Refused()
		if code != c.code || message == "" || hint == "" || conflict != (code == CodeRevisionChanged) {
			t.Errorf("%s: %q %q %q %v", name, code, message, hint, conflict)
		}
		if diff := cmp.Diff(before, checkpointOf(t, r)); diff != "" {
			t.Errorf("%s: the refusal changed something: %s", name, diff)
		}
	}
}

func TestRefusalsOfCommands(t *testing.T) {
	for body, code := range map[string]string{
		`{"devices":[{"device":"a"}]}`: "name_empty",
		`{"tenant":"t","by":"` + strings.Repeat("b", maxByBytes+1) + `","devices":[{"device":"a"}]}`: CodeBadCommand,
		`{"tenant":"t","devices":[` + strings.Repeat(`{},`, MaxDevices) + `{}]}`:                     CodeBadCommand,
		`{"tenant":"t","devices":[{"device":"a"}],"mode":"x"}`:                                       CodeBadJSON,
		`[]`: CodeBadJSON,
		``:   CodeBadJSON,
		`{"tenant":"` + strings.Repeat("t", 257) + `","devices":[{"device":"a"}]}`:                           "name_too_long",
		`{"tenant":"t","devices":[{"device":"a"}]}` + strings.Repeat(" ", MaxCommandBytes):                   CodeBadCommand,
		`{"tenant":"t","devices":[{"device":"a","labels":` + strings.Repeat(`{"a":`, 20000) + `]}`:           CodeBadJSON,
		`{"tenant":"t","by":"x","devices":[{"device":"a","expect":-0.0}]}`:                                   CodeBadJSON,
		`{"tenant":"t","by":"x","devices":[{"device":"a","cadence_ms":1e99}]}`:                               CodeBadJSON,
		`{"tenant":"t","by":"x","devices":[{"device":"a","cadence_ms":"5"}]}`:                                CodeBadJSON,
		`{"tenant":"t","by":"x","devices":[{"device":"a","rule":{"protocol_zero":"yes"}}]}`:                  CodeBadJSON,
		`{"tenant":"t","by":"x","devices":[{"device":"a","rule":{"restart_drop":99999999999999999999999}}]}`: CodeBadJSON,
	} {
		if _, err := ParseCommand([]byte(body)); codeOf(err) != code {
			t.Errorf("%.60s: %v, want %s", body, err, code)
		}
	}
}

// TestUnknownCommands: what a newer release has stops the node instead of being refused.
func TestUnknownCommands(t *testing.T) {
	r := empty()
	for _, c := range []struct {
		kind    uint16
		version uint8
	}{{KindSet, 2}, {KindSet, 0}, {83, 1}, {95, 1}, {79, 1}} {
		if _, err := r.Apply(1, 1, t0, c.kind, c.version, nil); !errors.Is(err, ledger.ErrVersion) || r.Supports(c.kind, c.version) {
			t.Errorf("command %d version %d: %v", c.kind, c.version, err)
		}
	}
	if first, last := r.Commands(); first != 80 || last != 95 || r.Since() != 2 || r.Name() != "devices" {
		t.Errorf("%d to %d since %d", first, last, r.Since())
	}
}

// TestEncodeIsWhatParses: a command that a door encodes is the one that apply reads.
func TestEncodeIsWhatParses(t *testing.T) {
	change, err := ParseChange([]byte(mill))
	if err != nil {
		t.Fatal(err)
	}
	nulls, err := ParseChange([]byte(`{"device":"b","expect":3,"labels":{"x":null},"type":null,"rule":{"restart_drop":null}}`))
	if err != nil {
		t.Fatal(err)
	}
	c := &Command{Tenant: "t", By: "ops", Devices: []Change{change, nulls}}
	body, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseCommand(body)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c, again); diff != "" {
		t.Error(diff)
	}
	twice, err := again.Encode()
	if err != nil || string(twice) != string(body) {
		t.Errorf("%s\n%s %v", body, twice, err)
	}
	list := make([]Change, MaxDevices+1)
	for i := range list {
		list[i].Device = fmt.Sprint(i)
	}
	if bodies, err := Encode("t", "ops", list); err != nil || len(bodies) != 2 {
		t.Errorf("%d devices in %d commands: %v", len(list), len(bodies), err)
	}
	list[MaxDevices].Device = "0"
	if _, err := Encode("t", "ops", list); codeOf(err) != CodeDuplicateDevice {
		t.Errorf("a device in two commands: %v", err)
	}
	c.Devices = make([]Change, MaxDevices+1)
	if _, err := c.Encode(); codeOf(err) != CodeBadCommand {
		t.Errorf("%d devices: %v", len(c.Devices), err)
	}
}

func TestAudit(t *testing.T) {
	r := empty()
	patch := `[{"device":"a","labels":{"z":"1","b":null}}]`
	must(t, r, KindPatch, patch)
	tenant, action, subject, by, detail, ok := r.Audit(KindPatch, nil)
	if got := fmt.Sprint(tenant, action, subject, by, string(detail), ok); got != `tdevice_patchaops{"devices":[{"device":"a","labels":{"b":null,"z":"1"}}]}true` {
		t.Error(got)
	}
	must(t, r, KindPatch, patch)
	if _, _, _, _, _, ok := r.Audit(KindPatch, nil); ok {
		t.Error("a command that changed nothing is audited")
	}
	many := &strings.Builder{}
	for i := range MaxDevices {
		fmt.Fprintf(many, `,{"device":"device-%d","type":"mill"}`, i)
	}
	must(t, r, KindSet, `[`+many.String()[1:]+`]`)
	_, action, subject, _, detail, ok = r.Audit(KindSet, nil)
	var words struct {
		Devices []struct{ Device string }
		Omitted int
	}
	err := json.Unmarshal(detail, &words)
	if !ok || action != "device_set" || subject != "10000 devices" || len(detail) > maxDetailBytes+30 || err != nil || len(words.Devices)+words.Omitted != MaxDevices || words.Omitted == 0 {
		t.Errorf("%s %s %d bytes, %d and %d devices: %v", action, subject, len(detail), len(words.Devices), words.Omitted, err)
	}
	must(t, r, KindDelete, `[{"device":"a"}]`)
	if _, action, subject, _, _, ok := r.Audit(KindDelete, nil); action != "device_delete" || subject != "a" || !ok {
		t.Error(action, subject, ok)
	}
}
