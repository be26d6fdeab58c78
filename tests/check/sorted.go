package check

import (
	"maps"
	"slices"
)

func sortedCounters[V any](m map[Counter]V) []Counter {
	return slices.SortedFunc(maps.Keys(m), Counter.compare)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
