// Package witness asks outside witnesses to cosign checkpoints, with the add-checkpoint call of c2sp.org/tlog-witness.
//
// A witness remembers the newest checkpoint of each log that it cosigned and cosigns only what continues it. So whoever holds all the
// keys of a cluster still cannot show a witness one history today and another one tomorrow. The exchange is drawn in
// docs/format/tlog.md; witnesstest has a witness for tests.
//
// Client asks one witness once; Worker shows every new checkpoint to all witnesses while its node leads, and hands in what they sign.
//
// A witness is a stranger: every answer is bounded in bytes and time, and what it signed is verified before anybody sees it.
package witness
