// Package network is a TCP network in memory, for a simulation of several machines inside one testing/synctest bubble. A Host stands
// in for a machine's sockets (gapless.Machine.Listen and Dial); the Network breaks what is between hosts.
//
// # What is modelled
//
//   - A conn is two streams of bytes. Each Write is a segment (several above 64 KiB) that arrives after its link's delay, in order, whole.
//     256 KiB may be under way or unread, then Write blocks. Close and CloseWrite send the rest, and then the end.
//   - A handshake: Dial takes a round trip; where nobody listens it is refused; a lost or held SYN is repeated after 1, 3, 7, ... s, and
//     given up after 127 s.
//   - Loss: a lost segment is repeated after 200 ms, then 400 ms more, ...; lost five times, the conn is reset.
//   - A cut, one way: what is under way is held and repeated likewise, so that after the mend it arrives at the next repetition, and not
//     before. No acknowledgement passes a cut either: what goes the other way arrives, but fills the sender's window. A side that has gone
//     unacknowledged for 15 s is reset. Its reset tells the other side, if it can pass; if not, the other side is half open.
//   - Half-open conns: who writes into one is reset when the answer comes, or after 15 s without one. Who only reads is reset by
//     keep-alive: 15 s after the way is open again, and else after 150 s.
//   - A machine that goes: killed (its conns are reset, later dials refused) or without power (silence, and what it sent last is lost).
//   - Errors as of TCP: ECONNREFUSED, ECONNRESET, EPIPE, ETIMEDOUT, os.ErrDeadlineExceeded, net.ErrClosed and io.EOF, in *net.OpError where
//     package net would have it. What arrived before a reset can still be read.
//
// # What is not
//
// Bandwidth, congestion, Nagle, the loss of a pure acknowledgement, TIME_WAIT, names (addresses are IP and port), UDP. A side that closes
// with bytes unread sends its end, where TCP would send a reset. A loopback conn has the delay of any other.
//
// # How
//
// A segment is a length and the time at which it arrives, in a queue that its reader looks at: nothing runs for it, and a reader that waits
// is woken once, by its own timer. One mutex guards all of a Network and is never held while anything waits; whoever waits does so on
// channels and timers made where the conn was made, so that a bubble knows it is idle. A conn that a fault has touched has one more timer,
// for the time at which it will be reset. The network starts no goroutine that outlives an instant.
//
// A bubble's time stops when its root function returns: after the last Close, let that sleep for a second, so that the ends arrive where
// they are waited for.
//
// Delays and losses are drawn per link from the seed. Which segment meets which draw depends on the order of the goroutines.
package network
