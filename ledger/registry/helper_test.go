package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/gaplessdb/gapless/ledger"
)

// t0 is the commit time of the tests' first command, ms.
const t0 = int64(1_790_000_000_000)

func ptr[T any](v T) *T { return &v }

func given[T any](v T) Member[T] { return Member[T]{Given: true, Value: &v} }

func empty() *Registry { return New(ledger.New(ledger.Policy{})) }

// do runs a command for the tenant "t" on a body of devices as JSON.
func do(t testing.TB, r *Registry, kind uint16, devices string) (Result, error) {
	t.Helper()
	out, err := r.Apply(1, 1, t0, kind, CommandVersion, []byte(`{"tenant":"t","by":"ops","devices":`+devices+`}`))
	var res Result
	if err == nil {
		if err := json.Unmarshal(out, &res); err != nil {
			t.Fatal(err)
		}
	}
	return res, err
}

// must is do for a command that is accepted.
func must(t testing.TB, r *Registry, kind uint16, devices string) Result {
	t.Helper()
	res, err := do(t, r, kind, devices)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func codeOf(err error) string {
	var refused *Error
	if errors.As(err, &refused) {
		return refused.Code
	}
	return ""
}

func checkpointOf(t testing.TB, r *Registry) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := r.Freeze()(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// get is the entry as JSON, without revision and time.
func get(t testing.TB, r *Registry, device string) string {
	t.Helper()
	d, ok := r.Get("t", device)
	if !ok {
		return ""
	}
	d.Revision, d.ChangedMS = 0, 0
	b, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes.Replace(b, []byte(`,"revision":0,"changed_ms":0`), nil, 1))
}
