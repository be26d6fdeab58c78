// Package tiles keeps the hashes of the log's tree on disk and hands them out as the tiles of c2sp.org/tlog-tiles.
//
// Everything here is derived: the records of the log are frames, and a store that is lost or damaged is removed and made again from
// them. So the file need not be synced after each append; what it must never do is serve a wrong hash. Each hash carries a checksum
// that is checked whenever it is read, and Open computes every inner hash again and keeps the longest prefix in which all is right.
//
// The format of the file, the paths of tiles and the bundles of entries are in docs/format/tlog.md.
package tiles
