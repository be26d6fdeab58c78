// Package compact merges segments: many short ones with overlapping times become few long ones of one time window each. It changes no frame; what
// it saves is files that a query has to open, and space.
//
//	manifest ─► Plans ─► PLAN ─► one node merges ─► BUILT ─► every other node pulls the result, compares it frame by frame ─► VERIFIED
//	                                                                                                                            │
//	              the next floor lists the result instead of the inputs ◄── edits of the floor at hand ◄── DONE, at a majority ◄┘
//
// # Parts
//
//	Plans     which segments to merge: a pure function of a manifest and a policy (plan.go)
//	Section   the replicated part: plans that are under way, edits of the manifest that wait for the next flush point (docs/format/merges.md)
//	Worker    what one node does: on the leader propose, settle and give up plans, on every node build, pull and compare
//
// A command changes nothing that a reader sees. The manifest changes only at floors: the manifest of a floor is the one before it, the edits
// that the section had at its flush point, in order, and the segment that was flushed there. So equal logs make equal floors, with merges as without.
//
// # Which segments
//
// Time is cut into windows (Policy.WindowNS) that begin at the Unix epoch. A segment whose times lie in more than one straddles: frames came late,
// or were filled in, or the flush lay across a border. Straddling segments are split into their windows, FanIn of them at once, or fewer when
// FanIn times as many log entries as they cover have passed since. Inside a window segments are merged so that a merge takes FanIn at least, and
// makes something that has Growth times the frames of its largest input at least, and MaxBytes at most.
//
// This bounds what merging writes. A frame is written once by its flush; once by each split, of which there is one for each factor segment.MaxOutputs
// between the times that one flush covers and a window, in practice one; and at most log(largest/smallest)/log(Growth) times inside its window, where
// smallest and largest are the frames of the first segment of its window that it is in, and of the last one.
//
// # Invariants
//
//   - A segment is an input of one plan at a time, and of none once an edit drops it.
//   - The result of a plan has as many frames as its inputs, of their indexes and within their times. Apply refuses anything else.
//   - DONE is refused unless a majority of the voters that it names has said BUILT or VERIFIED, of this plan and of the same files.
//   - A node says VERIFIED only of files that are durable here and have exactly the frames of its own inputs. One that finds a difference ends the plan, puts
//     the file into quarantine and raises gapless_merge_mismatches_total: either its inputs or the builder are sick.
//   - Nothing is deleted here. Keep names the files that no floor lists yet and that are needed all the same; what no kept floor lists is removed by the
//     shelf, after a while in which readers of an older manifest end (package shelf).
//   - Equal states freeze to equal bytes. Everything that Apply looks at is in the commands and the section: no clock, no manifest, no file.
//
// # Limits
//
// A plan has at most maxInputs inputs and segment.MaxOutputs outputs, maxPlans are under way and maxEdits wait for a floor; beyond them PLAN is refused, and the
// leader plans again later. A worker does one merge or comparison at a time, at Options.BytesPerSecond, and works an eighth of the time while the
// flusher is behind. A plan that is not built, or not verified by a majority, within Options.GiveUpAfter beyond what its size needs is given up.
package compact
