// Package replay imports recordings: the rows of CSV and NDJSON files become frames of devices and are sent to a cluster.
//
//	file -> unpack -> rows -> converter -> lanes -> batches -> connections -> nodes
//	                (csv, ndjson) (Mapping)  (by device)          (one request at a time)
//
// A file is read once, from its beginning, by one goroutine. The Mapping says which column becomes which part of a frame. Devices are spread over
// a fixed number of lanes by their names; a lane fills one batch after the other, and all its batches go over one connection, one request at a
// time. So a device's frames arrive in the order of the file, whatever the number of connections, and restarts are inferred as they would have
// been.
//
// Invariants:
//   - What a batch holds is a function of the file, the mapping and the sizes that were asked for (Options.digest), never of timing, connections or an
//     earlier interruption. A repeated batch is therefore the same request. One whose frames have numbers and declared epochs adds nothing; any
//     other has an Idempotency-Key made of the file's hash, the settings and its place: numbers that fall are what a restart looks like, too.
//   - The state file names the batches of each lane that were acknowledged, and nothing else counts as done. It is replaced whole (write, sync,
//     rename, sync the directory). A run that goes on reads the file again from its beginning, makes the same batches and sends those that are not
//     in it.
//   - No row is left out silently: each is sent, or counted as filtered, skipped or bad, and bad ones are named by their line.
//   - Replay decides nothing about epochs: a column names them, or the cluster infers them by its rules.
//
// Limits: a row has at most 4 MiB and 4,096 columns; a batch what package frame allows; each connection has one batch on its way and one waiting.
package replay
