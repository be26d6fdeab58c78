// Package workload is what uses a cluster while it is broken: devices that send, careful clients and careless ones, readers at every consistency, an
// auditor who asks for certificates, and in the end somebody who reads everything. Each does as a client of the documented HTTP API does and knows nothing else; whatever it is told, or not
// told, it writes into the run's history (tests/check), with the time on the controller's clock.
//
// A Site is where the clients stand: which nodes there are, how they are reached, and the Log of the run. The same clients use a cluster that is
// simulated (tests/sim) and one of real processes (tests/fault), so they wait on the time package alone.
//
// What a client wants is drawn from a stream of chance of its own, so that a schedule with fewer faults meets the same load.
package workload
