// Package column encodes one typed column of up to 4,096 values, and decodes it again bit for bit.
//
// A column is what a block of a segment has of one field: its present values in order of rows. Which rows have one is a column of its own
// (Validity). An Encoder looks at the values once, counts in integers what each encoding would cost, writes the cheapest and, where that
// saves more than 3 in 100 bytes, compresses it with Snappy. It returns a Chunk, which the block keeps beside the bytes, and which a
// Decoder needs to read them:
//
//	                     ┌────────── Encoder ──────────┐
//	values ─── choose ───┤ payload = encoding(values)  ├─── Snappy? ─── bytes, Chunk{Encoding, Codec}
//	                     └─────────────────────────────┘
//	floats ── decimal ──┐
//	bytes ── dictionary ┼── integers ── one of const, frame of reference, delta, delta of delta, runs, dictionary ── bits in miniblocks
//	booleans ── runs ───┘
//
// Everything ends in integers: a float is a decimal mantissa, a text a number in a dictionary, a boolean the length of a run. So there is
// one set of integer encodings, and the others put theirs on top. docs/format/column.md has each layout.
//
// # Invariants
//
//   - A decoder returns what the encoder was given, bit for bit: NaN payloads, -0 and denormals too. A decimal hint is checked, not trusted.
//   - Equal values and hints give equal bytes, on every machine and in every build: only integers and correctly rounded single operations
//     on floats decide, and what an Encoder did before has no influence. golden_test.go holds sums that every build must reach.
//   - Decoders are total: any bytes give values or an error that is ErrCorrupt or ErrUnknownEncoding, never a panic, and never more memory
//     than the number of values implies, or Decoder.MaxBytes for texts.
//   - What a decoder returns refers neither to its input nor to its own buffers.
//   - An encoding's number is kept in files: numbers are appended, never changed. 1 to 63 belong to the fast set, which is this package
//     today, 64 to 127 to a dense set that takes more time; a decoder that meets a number it does not know says so and other columns stay
//     readable.
//
// The package imports the standard library and golang/snappy, whose bytes are the same with and without assembly. It knows nothing of
// frames, blocks or files: lengths and checksums belong to whoever keeps the bytes.
package column
