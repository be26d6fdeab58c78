package schedule

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestRoundTrip: what is saved is loaded, alone or inside of another document, and a file's form is one for each schedule.
func TestRoundTrip(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		opt := options(t)
		opt.Beyond = rapid.Bool().Draw(t, "beyond")
		s := Generate(rapid.Uint64().Draw(t, "seed"), opt)
		s.Note = rapid.SampledFrom([]string{"", "lost frames, \"twice\" <é>"}).Draw(t, "note")
		path := filepath.Join(dir, "s.json")
		if err := s.Save(path); err != nil {
			t.Fatal(err)
		}
		got, err := Load(path)
		if err != nil || !reflect.DeepEqual(got, s) {
			t.Fatalf("%v; saved\n%sloaded\n%s", err, s, got)
		}
		var outer struct{ Inner *Schedule }
		data, err := json.Marshal(map[string]any{"Inner": *s})
		if err == nil {
			err = json.Unmarshal(data, &outer)
		}
		if err != nil || !reflect.DeepEqual(outer.Inner, s) {
			t.Fatalf("%v; inside of a document\n%sbecame\n%s", err, s, outer.Inner)
		}
	})
}

const head = `{"version":1,"seed":1,"nodes":3,"length_ms":60000,"steps":[`

// bad files, and what the error says.
var badFiles = map[string]string{
	"":                           "EOF",
	"[]":                         "JSON array",
	"{}":                         "version 0, known are 1 to 1",
	`{"version":2,"new":true}`:   "version 2, known are 1 to 1",
	`{"version":1}`:              "0 nodes, want 1 to 9",
	`{"version":1,"nodes":10}`:   "10 nodes",
	`{"version":1,"nodes":3}`:    "length 0s",
	head + `]} {}`:               "invalid character",
	head:                         "EOF",
	head + `],"step":[]}`:        "unknown object member name",
	head + `],"nodes":4}`:        "duplicate object member name",
	head + `],"note":"a\nb"}`:    "one line of printable text",
	head + `],"recovery_ms":-1}`: "recovery -1ms",
	`{"version":1,"nodes":3,"length_ms":86400001}`:                                  "a time in it is beyond 24h0m0s",
	`{"version":1,"nodes":3,"length_ms":9223372036854775807}`:                       "a time in it is beyond 24h0m0s",
	`{"version":1,"nodes":3,"length_ms":1.5}`:                                       "1.5",
	`{"version":1,"nodes":3,"length_ms":9,"seed":-1}`:                               "-1",
	head + `{"at_ms":1,"for_ms":2,"fault":"killl","node":1}]}`:                      "step 1 (killl): no such fault; there are kill, power",
	head + `{"at_ms":1,"for_ms":2,"node":1}]}`:                                      "step 1 (): no such fault",
	head + `{"at_ms":1,"for_ms":2,"Fault":"kill","node":1}]}`:                       "unknown object member name",
	head + `{"at_ms":1,"for_ms":2,"fault":"kill","node":4}]}`:                       "step 1 (kill): node 4 of 3",
	head + `{"at_ms":1,"for_ms":2,"fault":"kill","node":-1}]}`:                      "node -1 of 3",
	head + `{"at_ms":1,"fault":"kill","node":1}]}`:                                  "for 0, but it lasts until it is ended",
	head + `{"at_ms":1,"for_ms":-1,"fault":"kill","node":1}]}`:                      "for -1ms",
	head + `{"at_ms":-1,"for_ms":1,"fault":"kill","node":1}]}`:                      "at -1ms",
	head + `{"at_ms":59000,"for_ms":1001,"fault":"kill","node":1}]}`:                "at 59s for 1.001s, want whole milliseconds",
	head + `{"at_ms":1,"for_ms":2,"fault":"kill","node":1,"peer":2}]}`:              "it concerns no peer",
	head + `{"at_ms":1,"for_ms":2,"fault":"kill","node":1,"amount":2}]}`:            "it has none: want 0",
	head + `{"at_ms":1,"for_ms":2,"fault":"kill","node":1,"how":"lose"}]}`:          `how "lose", want "flushing" or "publishing" or "merging"`,
	head + `{"at_ms":1,"for_ms":2,"fault":"power","node":1}]}`:                      `how "", want "lose" or "random"`,
	head + `{"at_ms":1,"for_ms":2,"fault":"power_all","node":1,"how":"lose"}]}`:     "it is not a choice here",
	head + `{"at_ms":1,"for_ms":2,"fault":"isolate","node":1,"how":"all"}]}`:        "it concerns all",
	head + `{"at_ms":1,"for_ms":2,"fault":"cut","node":1,"peer":1}]}`:               "node and peer are both 1",
	head + `{"at_ms":1,"for_ms":2,"fault":"cut","node":0,"peer":1}]}`:               "whoever leads, who may be the same",
	head + `{"at_ms":1,"for_ms":2,"fault":"cut","node":1,"peer":4}]}`:               "peer 4 of 3",
	head + `{"at_ms":1,"for_ms":2,"fault":"loss","node":1}]}`:                       "amount 0 of pieces, want 0.01 to 0.9",
	head + `{"at_ms":1,"for_ms":2,"fault":"stall","node":1,"amount":3}]}`:           "amount 3 ms, but the step is over after 2ms",
	head + `{"at_ms":2999,"for_ms":2,"fault":"rollback","node":1,"amount":3000}]}`:  "the run is only 2.999s old",
	head + `{"at_ms":2999,"for_ms":2,"fault":"rollback","node":1,"amount":1999}]}`:  "want 2000 to 600000",
	head + `{"at_ms":1,"fault":"clock","node":1}]}`:                                 "the clock would not move",
	head + `{"at_ms":1,"for_ms":2,"fault":"strobe","node":1}]}`:                     "the clock would not move",
	head + `{"at_ms":1,"for_ms":2,"fault":"clock","node":1,"amount":1}]}`:           "it is over at once",
	head + `{"at_ms":1,"fault":"flip","node":1,"how":"wal"}]}`:                      "for 0, but it lasts",
	head + `{"at_ms":1,"fault":"flush","node":1}]}`:                                 "it is not a choice here",
	head + `{"at_ms":1,"fault":"transfer","node":0,"peer":4}]}`:                     "peer 4 of 3",
	`{"version":1,"nodes":1,"length_ms":9,"steps":[{"fault":"transfer"}]}`:          "step 1 (transfer): it takes 2 nodes, and there are 1",
	head + `{"at_ms":2,"fault":"flush"},{"at_ms":1,"fault":"flush"}]}`:              "step 2 (flush): at 1ms, before step 1 at 2ms",
	head + `{"at_ms":1,"fault":"clock","node":1,"amount":1e400}]}`:                  "1e400",
	head + strings.Repeat(`{"fault":"flush"},`, MaxSteps) + `{"fault":"flush"}]}`:   "10001 steps, want at most 10000",
	head + strings.Repeat(" ", maxFile):                                             "more than 4194304 bytes",
	head + `],"note":"` + strings.Repeat("x", maxNote+1) + `"}`:                     "note of 1001 bytes",
	head + `{"at_ms":1,"for_ms":2,"fault":"delay","node":1,"peer":-2,"amount":1}]}`: "peer -2 of 3",
}

func TestBadFiles(t *testing.T) {
	for data, want := range badFiles {
		s, err := Parse([]byte(data))
		if s != nil || err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "schedule: ") {
			t.Errorf("%.150s\n%v, want %q", data, err, want)
		}
	}
}

// TestFilesThatPeopleWrite leaves out what may be left out.
func TestFilesThatPeopleWrite(t *testing.T) {
	s, err := Parse([]byte(head + `
		{"fault": "flush"},
		{"at_ms": 10, "for_ms": 5, "fault": "kill"},
		{"at_ms": 10, "fault": "flip", "how": "segment", "node": 3} ]} `))
	if err != nil {
		t.Fatal(err)
	}
	want := []Step{{Fault: Flush}, {At: ms(10), For: ms(5), Fault: Kill}, {At: ms(10), Fault: Flip, How: Segment, Node: 3}}
	if !reflect.DeepEqual(s.Steps, want) {
		t.Errorf("%v, want %v", s.Steps, want)
	}
}

func TestLoadAndSaveFail(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bad.json")
	if _, err := Load(path); err == nil || !strings.HasPrefix(err.Error(), "schedule: ") {
		t.Errorf("no file: %v", err)
	}
	if err := os.WriteFile(path, []byte(`{"version":7}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), "version 7") || !strings.Contains(err.Error(), path) {
		t.Errorf("bad file: %v", err)
	}
	if err := os.WriteFile(path, bytes.Repeat([]byte(" "), maxFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("large file: %v", err)
	}
	s := plan(3, at(1, 1, Kill, 4))
	if err := s.Save(path); err == nil || !strings.Contains(err.Error(), "node 4 of 3") {
		t.Errorf("saved what is not valid: %v", err)
	}
	if err := plan(3).Save(filepath.Join(path, "below")); err == nil || !strings.HasPrefix(err.Error(), "schedule: ") {
		t.Errorf("saved below a file: %v", err)
	}
}

// TestValidateLiterals has what a file cannot have, and a test that writes steps itself can.
func TestValidateLiterals(t *testing.T) {
	nan := 0.0
	for want, change := range map[string]func(*Schedule){
		"at 1ns":            func(s *Schedule) { s.Steps[0].At = 1 },
		"for 1.0000005s":    func(s *Schedule) { s.Steps[0].For += 500 },
		"length 2m0.0005s":  func(s *Schedule) { s.Length += 500 * time.Microsecond },
		"recovery 1ns":      func(s *Schedule) { s.Recovery = 1 },
		"not a number":      func(s *Schedule) { s.Steps[0].Amount = nan / nan },
		"printable text":    func(s *Schedule) { s.Note = "\xff" },
		"version 0":         func(s *Schedule) { s.Version = 0 },
		"at 3m0s, want":     func(s *Schedule) { s.Steps[0].At = 3 * time.Minute },
		"for 2562047h47m16": func(s *Schedule) { s.Steps[0].For = 1<<63 - 1 },
	} {
		s := plan(3, at(1, 1, Kill, 1))
		if change(s); s.Validate() == nil || !strings.Contains(s.Validate().Error(), want) {
			t.Errorf("%v, want %q", s.Validate(), want)
		}
	}
}

// FuzzParse: no input is too strange, and what is taken is valid and keeps its meaning.
func FuzzParse(f *testing.F) {
	for data := range badFiles {
		if len(data) < 10_000 {
			f.Add([]byte(data))
		}
	}
	for seed := range uint64(20) {
		data, err := Generate(seed, Options{Beyond: seed%2 == 0}).MarshalJSON()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse(data)
		if err != nil {
			return
		}
		if err := s.Validate(); err != nil {
			t.Fatal(err)
		}
		again, err := s.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		got, err := Parse(again)
		if err != nil || got.form() != string(again) || got.String() != s.String() {
			t.Fatalf("%v\n%s\n%s", err, data, again)
		}
		if len(s.Steps) < 200 {
			_, _ = s.Budget(), s.Overlap()
		}
	})
}
