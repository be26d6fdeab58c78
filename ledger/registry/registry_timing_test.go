package registry

import (
	"bytes"
	"fmt"
	"io"
	"testing"
)

// fleet is a registry of n devices with three labels, a type and, of every tenth, a rule.
func fleet(b *testing.B, n int) *Registry {
	r := empty()
	for at := 0; at < n; at += 1000 {
		c := &Command{Tenant: "t"}
		for i := at; i < min(at+1000, n); i++ {
			change := Change{Device: fmt.Sprintf("device-%07d", i), Type: given("mill"), Class: given(ClassSnapshot), Labels: given(labelsPart{
				"site": ptr(fmt.Sprint("site ", i%50)), "line": ptr(fmt.Sprint(i % 7)), "batch": ptr(fmt.Sprint(i / 1000))})}
			if i%10 == 0 {
				change.Rule = given(rulePart{RestartDrop: given(uint64(500))})
			}
			c.Devices = append(c.Devices, change)
		}
		body, err := c.Encode()
		if err != nil {
			b.Fatal(err)
		}
		if _, err := r.Apply(1, 1, t0, KindSet, CommandVersion, body); err != nil {
			b.Fatal(err)
		}
	}
	return r
}

// BenchmarkFreeze is what apply stands still for at a flush point, and what the first command after it pays.
func BenchmarkFreeze(b *testing.B) {
	r := fleet(b, 1_000_000)
	body := []byte(`{"tenant":"t","devices":[{"device":"device-0500000","cadence_ms":%d}]}`)
	b.Run("1000000", func(b *testing.B) {
		for range b.N {
			r.Freeze()
		}
	})
	b.Run("1000000 and a command", func(b *testing.B) {
		for i := range b.N {
			r.Freeze()
			if _, err := r.Apply(1, 1, t0, KindPatch, CommandVersion, fmt.Appendf(nil, string(body), i+1)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("write", func(b *testing.B) {
		for range b.N {
			if err := r.Freeze()(io.Discard); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("restore", func(b *testing.B) {
		var own bytes.Buffer
		if err := r.Freeze()(&own); err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(own.Len()))
		for range b.N {
			if err := empty().Restore(bytes.NewReader(own.Bytes())); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkSet10000 is one command of as many devices as it may have: all new, and all as they were.
func BenchmarkSet10000(b *testing.B) {
	c := &Command{Tenant: "t"}
	for i := range MaxDevices {
		c.Devices = append(c.Devices, Change{Device: fmt.Sprintf("device-%07d", i), Labels: given(labelsPart{"site": ptr(fmt.Sprint("site ", i%50))})})
	}
	body, err := c.Encode()
	if err != nil {
		b.Fatal(err)
	}
	apply := func(r *Registry) {
		if _, err := r.Apply(1, 1, t0, KindSet, CommandVersion, body); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("new", func(b *testing.B) {
		for range b.N {
			apply(empty())
		}
	})
	b.Run("same", func(b *testing.B) {
		r := empty()
		for range b.N {
			apply(r)
		}
	})
}

func BenchmarkLookup(b *testing.B) {
	r := fleet(b, 100_000)
	names := r.Match("t", nil)
	b.Run("class", func(b *testing.B) {
		for i := range b.N {
			snap := r.Snapshot()
			snap.Class("t", names[i*7919%len(names)])
		}
	})
	b.Run("label", func(b *testing.B) {
		for i := range b.N {
			r.Label("t", names[i*7919%len(names)], "site")
		}
	})
	b.Run("get", func(b *testing.B) {
		for i := range b.N {
			r.Get("t", names[i*7919%len(names)])
		}
	})
	b.Run("match 2000 of 100000", func(b *testing.B) {
		for range b.N {
			r.Match("t", []Matcher{{"site", "site 3"}, {TypeLabel, "mill"}})
		}
	})
	b.Run("match all by type", func(b *testing.B) {
		for range b.N {
			r.Match("t", []Matcher{{TypeLabel, "mill"}})
		}
	})
}
