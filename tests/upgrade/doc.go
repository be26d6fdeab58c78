// Package upgrade takes a running cluster of the release before to today's code, one node at a time, under load: the binary and the
// directories are those of the newest release tag before HEAD, and of the newest release of an older cluster version.
//
// Clients send numbered frames with holes, the same frames again, other frames under old numbers, frames with an Idempotency-Key, heartbeats and
// flushes, and do what docs/http-api.md tells them to when a node is away. In every mixture of releases, with an old leader and with a new one, the
// cluster must go on, nodes of both releases must make the same floors, byte for byte, and no node may end itself: an old one that met a command
// that it does not know would. Afterwards every acknowledged frame is on every node once, as it was sent; gap reports name exactly what was left
// out; ledgers and segments are equal. Then one node goes back to the release before, as docs/operations.md says it may; or, from the older one,
// the cluster version is raised, what is new is used, and the release before is out.
//
// What the release before cannot show is a later one: versions_test.go holds the rules that make the next upgrade possible.
package upgrade
