// Package check judges the history of a run of a cluster under faults: one checker, in one file, for each promise of docs/guarantees.md.
//
// A harness (a simulation, or real processes) fills a Run while it drives a cluster: what clients sent and were answered, what they read,
// samples of what the nodes say of themselves, what happened to the nodes, what was broken, and in the end everything that is readable.
// Judge then asks every Checker. Nothing here drives anything, knows a clock or a network, or asks the product: only the wire formats are
// shared (frame.ParsePosition), so that a fault of the product cannot hide in its own judge. What checking a certificate offline comes to is
// in the Run (Certificate.Verified): whoever had asked for it has checked it, with the product's own means; what it claims is judged here.
//
//   - Outcomes have three values. Acked: it is there. Refused: it is not. Unknown: both are right, and either must be told alike by everybody.
//   - Everything is exact where the history allows it. An answer has an index (as_of), a write has one too (its position), and the state is a
//     function of the index: what an answer must show, and what it cannot show, follows from the two.
//   - Time is the controller's clock. Of two operations one is before the other only if it returned before the other was invoked.
//   - A run without a witness (a fault that did not bite, too few frames) is Unknown, never Pass.
//   - Beyond the budget (Run.Beyond) a cluster must be honest and need not get through: what it says of itself aloud is not held
//     against it (Verdict.Excused).
//   - Sets are lists of runs (Numbers): 20 million frames of 2,000 devices take seconds and some MB.
//
// The Run is read-only once it was given to a checker.
package check
