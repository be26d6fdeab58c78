// Package clients holds gapless against writers that others wrote: the official client libraries of InfluxDB, versions 1 and 2, talk to
// a real process, and every point is read back through GET /v1/frames and compared value by value. Telegraf has a module of its own
// below, as it needs 130 MB of downloads, and these 3.
//
// It is a module of its own so that none of these libraries becomes a dependency of gapless. A machine that cannot fetch them cannot run
// it: `make clients` says so.
package clients
