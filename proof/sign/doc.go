// Package sign is who says so: the keys of nodes, the checkpoints they cosign, the receipts they give, and the policy by which
// somebody who trusts none of them alone decides whom to believe.
//
// What a node says into the log, its keys and its roots, it signs as well: nobody else can say it for it.
//
// Everything signed is a note of c2sp.org/signed-note, with Ed25519; golang.org/x/mod/sumdb/note parses notes. The text of every
// form is in docs/format/tlog.md. Parsers are strict: there is one way to write a thing, so that two readers never disagree.
//
// A checkpoint is believed when one of the log's keys signed it (type 0x01, in the name of the log) and a quorum cosigned it
// (type 0x04, with the time, each in its own name). Nodes count, not keys: a node that had four keys is one cosigner.
package sign
