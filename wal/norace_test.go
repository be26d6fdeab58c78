//go:build !race

package wal

// Every operation is interrupted.
const points, stride = 0, 1
