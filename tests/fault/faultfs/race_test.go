//go:build linux && race

package faultfs

// raced: the race detector makes each process take a second to start.
const raced = true
