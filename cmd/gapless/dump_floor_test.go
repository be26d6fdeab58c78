package main

import (
	"slices"
	"testing"
)

// TestNewerFloor orders floor files as a node takes them, whatever else has their suffix.
func TestNewerFloor(t *testing.T) {
	want := []string{
		"f/00000000000000001800-i.gfl", "f/00000000000000001200-i.gfl", "f/00000000000000001200-l.gfl", "f/00000000000000000900-l.gfl", "f/.gfl",
	}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, newerFloor)
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
