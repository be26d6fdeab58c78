//go:build !race

package raftfsm

// Every operation fails and stalls.
const diskPoints = 0
