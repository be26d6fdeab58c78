// Package bench is `gapless bench`: a load generator and a set of questions, for gapless and for stores that take InfluxDB's line protocol, so that
// anyone can compare them on one machine with the same frames.
//
//	fleet ──► encoder (binary, json, line) ──► connections ──► target (gapless, influx, victoria)
//	                                              │
//	                                              └─ latencies, answers, refusals ──► Report
//
// # The fleet
//
// A number of devices with a number of decimal fields each, a frame a second of device time. Values walk: each step is small against what the
// value may be, as sensors behave, so that no store is flattered by constants or punished by noise. Everything follows from the seed.
//
// Each connection has devices of its own and has one request in flight, so every counter arrives in order. A request carries several frames of many
// devices: as a gateway that gathers for a while sends it.
//
// # What is measured
//
// A request counts when its answer says that everything in it is stored; what an answer means differs, and the report says it: gapless answers when a
// majority of nodes has synced the frames, InfluxDB when one node has synced them, VictoriaMetrics when one node has them in memory. Requests
// that are refused because the store is busy are repeated after the wait it asks for, and counted. Encoding takes processor time from the same
// machine; the report has it, and Options.Prepare moves it before the clock.
package bench
