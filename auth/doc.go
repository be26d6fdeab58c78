// Package auth says who is asking. Every listener and every handler works for a Principal; this package turns the text of an
// Authorization header (RFC 6750: "Bearer TOKEN") and the question "did it come from loopback?" into one, or into an error.
//
// Why it is so small: it takes strings, not requests, so that HTTP, MQTT and TCP share it and a test needs no socket. It uses the
// standard library only.
//
// Tokens live in a file of one line a token:
//
//	# sha256 of the token                                            tenant  id       scopes
//	9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 default gateway3 read,write
//
// Invariants:
//   - The file and the memory hold digests, never tokens: a stolen file lets nobody in. Tokens are 256 random bits (NewToken), so one
//     plain SHA-256 is enough; a password-hash function guards guessable secrets, and these are not.
//   - A token that was sent is always checked. A wrong one is refused even where an anonymous request would be let in: it is the
//     mistake of somebody who believes to be somebody, and silence would hide it.
//   - Reload swaps the whole set at once or keeps the old one and says what is wrong with the file, by line.
//   - A refusal says only that it was refused. How long it takes depends on the digest of what was sent, not on how much of a
//     token was guessed.
package auth
