// Package certify answers for the proof over HTTP: the log as tiles that public tools read, certificates, and the proof of single frames.
//
//	GET  /tlog/checkpoint                       the newest checkpoint, signed (c2sp.org/tlog-checkpoint)
//	GET  /tlog/tile/<level>/<index>[.p/<width>] hashes of the log (c2sp.org/tlog-tiles)
//	GET  /tlog/tile/entries/<index>[.p/<width>] its records; /tlog/entries/... is the same
//	GET  /v1/proof/policy                       whose signatures make a checkpoint valid (c2sp.org/tlog-policy)
//	GET  /v1/proof/consistency                  that an earlier checkpoint is a beginning of the newest
//	POST /v1/certificates                       how complete the frames of some devices are, provable offline
//
// That one frame is stored, GET /v1/trace proves. This package computes nothing itself: the root gives it what this node counted (package proof), and
// package certificate makes certificates of it. What is answered are immutable things of one moment: bytes of the log below its size, and a certificate
// as of one census. It is written as the client takes it, and has one of few places until then: so memory is bounded.
package certify
