package check

import "testing"

// TestModel: a store that keeps its promises is never accused, whatever happens to it.
func TestModel(t *testing.T) {
	for seed := range uint64(40) {
		if v := Judge(generate(seed, 500, nil)); v.Result != Pass {
			t.Fatalf("seed %d: %s", seed, v)
		}
	}
}
