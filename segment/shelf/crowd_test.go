package shelf

import (
	"slices"
	"testing"
	"time"
)

func TestCrowd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := crowd{peers: map[string]*peer{}}
		want := func(wait time.Duration, names ...string) {
			t.Helper()
			list, until := c.best([]string{"b", "c", "d"}, func(name string) bool { return name == "d" })
			if !slices.Equal(list, names) {
				t.Errorf("to be asked: %q, want %q", list, names)
			}
			if _, other := c.best([]string{"c", "b"}, func(string) bool { return false }); !other.Equal(until) {
				t.Errorf("again at %v, and in another order at %v", until, other)
			}
			if wait == 0 && !until.IsZero() || wait != 0 && time.Until(until) != wait {
				t.Errorf("again in %v, want %v", time.Until(until), wait)
			}
		}
		pass := func(d time.Duration) { <-time.After(d) }
		want(0, "b", "c")
		if !c.failed("b") {
			t.Error("the first failure is no news")
		}
		want(time.Second, "c")
		pass(time.Second)
		want(0, "b", "c")
		if c.failed("b") {
			t.Error("the second failure is news")
		}
		want(2*time.Second, "c")
		c.failed("c")
		want(time.Second)
		pass(time.Second)
		want(time.Second, "c")
		c.worked("b") // asked before it failed, answered after
		want(0, "b", "c")
		if !c.failed("b") {
			t.Error("a failure after success is no news")
		}
		want(time.Second, "c")
		for range 10 {
			c.failed("b")
		}
		c.failed("c")
		c.failed("c")
		want(4 * time.Second)
		pass(4 * time.Second)
		want(26*time.Second, "c")
		pass(26 * time.Second)
		want(0, "b", "c")

		c.lied("b")
		want(0, "c")
		c.lied("c")
		want(0, "b", "c")
		c.lied("c")
		want(0, "b")
		c.failed("b")
		want(maxWait, "c")
		c.truthful("c")
		pass(maxWait)
		want(0, "c")
	})
}
