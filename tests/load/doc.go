// Package load measures what a cluster of three real processes on this machine takes: frames per second and acknowledgement
// latency of binary batches and of JSON, at saturation and with one request in flight, and the CPU time of each node.
//
//	go test -run '^$' -bench . -benchtime 10s ./tests/load
package load
