// Package fleet simulates devices that lose, repeat, contradict and delay their frames on purpose, writes down what really
// happened, and afterwards compares that with what a cluster answers over HTTP.
//
// It is the witness of the demo, so it shares no code with the store it judges: of this module it imports frame alone, to build
// binary batches, and it speaks to the cluster as any device would. What it expects is computed from its own plan.
//
// # The three parts
//
//	plan     New draws, from one seed, what every counter will do: which numbers are lost at the head, inside and at the tail,
//	         which arrive late, twice, out of order or with other bytes, when the device reboots, what it says in heartbeats,
//	         seals and declarations of loss. Frames are a pure function of (seed, counter, life, number), so a repeat has the
//	         same bytes and nothing but numbers is kept in memory.
//	run      Fleet.Run sends the plan to all nodes and retries the same frames under the same numbers until a node acknowledges
//	         them. Each source is sequential; sources run side by side.
//	compare  Compare reads the truth file back and asks every node. Exact means: the same frames with the same bytes, no other,
//	         the same missing numbers, bounds, causes and totals, and one ledger on all nodes.
//
// # The truth file
//
// NDJSON, one record a line, the key t says what it is. Numbers are full width (unwrapped); epoch is the device's own value.
//
//	fleet      version, seed                                          first line
//	life       device stream epoch bits first last head tail          one life of one counter, in the order they were lived: the
//	                                                                  numbers that exist, and how the cluster can know the bounds
//	lost       device stream epoch from to                            numbers that existed and were never sent
//	declared   device stream epoch from to reason                     the same, and the device said so; written when acknowledged
//	acked      device stream epoch seq[] sum[]                        frames acknowledged, with the sum of their content
//	repeated   device stream epoch seq[]                              acknowledged repeats, same bytes
//	conflict   device stream epoch seq[]                              acknowledged frames under a used number, with other bytes
//	retried    device stream epoch seq[] times                        sent again so often because an answer was lost: a node may have
//	                                                                  counted them before, so its counts of repeats may be higher by these
//	odd        device stream epoch note                               an acknowledgement that contradicts its request
//	end        position                                               last line: where the last request was committed
//
// A sum is the first eight bytes of SHA-256 over class, device time, fields and payload (sum.go), in hexadecimal.
//
// # Lies on purpose
//
// A comparison that cannot fail proves nothing. With Options.Break the simulator deviates from its record in one place: BreakDrop
// withholds a frame that it records, BreakInvent sends one that it does not record, BreakTail withholds the message that would have
// told the cluster how far the numbers went. Compare must then name exactly that place.
package fleet
