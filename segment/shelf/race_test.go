//go:build race

package shelf

// The race detector makes everything ten times slower: not every operation is interrupted then.
const points, stride = 25, 7
