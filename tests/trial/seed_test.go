package trial

import "testing"

// TestFirstSeed: who asks for a seed gets it; otherwise every call for one commit gets the same, and never 0, which asks for none.
func TestFirstSeed(t *testing.T) {
	if got := FirstSeed(t, 7); got != 7 {
		t.Errorf("asked for 7: %d", got)
	}
	if first, again := FirstSeed(t, 0), FirstSeed(t, 0); first != again || first == 0 {
		t.Errorf("of one commit: %d and %d", first, again)
	}
}
