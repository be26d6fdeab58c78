// Package shelf keeps the segments of one node on its disk: it knows which are here, which are missing, which are being pulled from a
// peer and which were found damaged, hands out readers of those that are here, and brings the others.
//
// A segment's name is the SHA-256 of its file, so a copy from any peer is as good as one's own, and what is here can be told from what
// only looks so.
//
//	segments/<64 hex>.gseg                 whole: it was read back when written, or verified when pulled
//	segments/<64 hex>.part                 being pulled, valid up to its last sync
//	segments/*.tmp                         being written by a flush
//	segments/quarantine/<64 hex>-<n>.gseg  a copy that was found damaged, the n-th on this disk; the newest few are kept
//
//	            Added, Pull                  wrong checksum, size, unreadable sector
//	missing ───────────────────► present ──────────────────────────────────────────► quarantined
//	   ▲                            ▲                                                      │
//	   │ Want                       └──────────────── Pull: from a peer, by hash ──────────┘
//
// # Invariants
//
//   - A .gseg file is complete or absent: written apart, synced, verified, renamed, and the directory synced. Only then it counts.
//   - Nothing here removes the only verified copy. Damage is renamed into quarantine; Prune removes what the manifest does not list, the
//     caller has refused for RetireAfter and nobody reads, and nothing else removes a segment. A damaged copy goes when QuarantineCopies newer ones are there,
//     but the newest one of a segment only while a whole one is here.
//   - Damage is never served. A copy is taken out of use before anything else happens, and it comes back only after a full verification.
//     Readers that were open go on: every block proves itself by its own checksum. Ranges for peers are the file's bytes as they are; the
//     peer believes them when it has verified the whole.
//   - What a peer sends is believed only as a whole file of the right hash. One bad peer cannot stop a pull: a file that several peers
//     made and that came out wrong is pulled again from one at a time, and whoever gave a wrong file alone is asked last from then on.
//   - Every queue has a limit: open files (MaxOpen, MaxFiles), cached bytes (CacheBytes), pulls (Parallel), bytes per second, space that stays free,
//     damaged copies (QuarantineCopies).
//
// # Segments that no manifest lists
//
// A merge makes segments before a manifest lists them, and replaces others that readers of an older manifest still open one by one. So there
// are two times in which a file is here and no manifest lists it. Before: Obtain brings it, and whoever needs it tells Prune to keep it. After: it
// stays for RetireAfter from the first Prune on that nobody needed it for, however often it is opened, and beyond that as long as somebody reads it.
// A reader that comes later gets a *MissingError with WhyDropped: what it looks for is in other segments, those of the newest manifest. A query takes
// less than RetireAfter. What takes longer (an export, a reader that follows the log) looks at the newest manifest now and then and goes on from where it is:
// a merge moves frames between segments and changes none. Whether any came too late is counted (gapless_shelf_dropped_opens_total).
//
// # Files from before a restart
//
// Open believes nothing by name. The first look at a file checks its size and reads its footer and top index: whoever renamed it had
// verified it, and blocks prove themselves when they are read. A power loss while a damaged file is moved into quarantine can show it in
// both places: then the next read or Check finds the damage again.
//
// A .part file is cut back to its last certain sync. The final hash decides; if it is wrong the pull starts over.
//
// # What a damaged segment does to a node
//
// It is wanted again at once, so Missing lists it, the node is not ready for it and does not count as a verified copy. Pull first looks
// whether the copy in quarantine is whole after all (a bit that flipped on the way and not on the disk), which also heals a
// node that has no peers, then asks the peers.
//
// # Locks
//
// Shelf.manage before entry.files before Shelf.mu. manage serialises Want, Added, Prune and what trims the quarantine; files is held while
// files of one segment are opened, moved or removed; mu is never held over I/O.
package shelf
