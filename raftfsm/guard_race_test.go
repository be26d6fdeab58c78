//go:build race

package raftfsm

// The race detector makes everything ten times slower: not every operation fails or stalls then.
const diskPoints = 20
