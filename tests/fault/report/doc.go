// Package report writes what happened in one run as one HTML file: for the person who made a change and sees it fail, and for the stranger who
// wonders whether to trust the store at all. Both must understand the run within a minute.
//
//	Report (title, seed, commit, plan, check.Run, check.Verdict, samples of the nodes, logs)  --Write-->  report.html
//
// # What is on the page
//
//	verdict     PASS, FAIL or UNKNOWN as word and colour, what it means in one sentence, and the few numbers that matter
//	findings    only where something is broken or unproven: the first of each promise, with the operations that prove it
//	timeline    one time axis for everything: what was broken (bars, and bands behind all rows), nodes (leader with its term, follower,
//	            down, paused, refused; marks for damage, repair, failed syncs), operations of each client, frames acknowledged per
//	            second, latency, commit index
//	promises    every checker of check.All(), in plain words, and how many things it looked at. One that had nothing to look at has
//	            neither held nor failed, and the page says so
//	faults      what each did, and the evidence that it was felt
//	accounts    the ledger of every node, other counts, what was skipped
//	appendix    the schedule, the tails of the logs, and the command that repeats the run
//
// # Rules
//
//   - One file: no script, no font, no picture and no link that leaves it. It is read offline, printed, attached to an issue.
//   - The same Report gives the same bytes. Nothing is asked of the clock, of the environment, or of the order of a map.
//   - It is well-formed XML, and what comes from a run (names, logs, errors) is text wherever it stands: never markup, and without control
//     characters or those that turn the direction of writing.
//   - Its size does not grow with the run. Operations are counted by column of the picture, lists end after their first few and say how
//     many there are, logs keep their end. 200,000 batches and six hours make a file below 3 MB.
//   - Colour never stands alone: an outcome has its place in the column, a state its word, a mark its shape.
//   - Times are those of check.Run: since the start, on the controller's clock.
//
// The tests keep one page as a golden file. With -args -pages DIR they write every sample page there, to be looked at; a change of the page
// is not done before somebody did.
package report
