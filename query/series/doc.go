// Package series is the arithmetic of time series: how a range of time is cut into buckets, and what the values of a field in a bucket amount
// to. It reads no state, no clock and no file; package query reads the values and gives them to it.
//
//	Step, Grid   "1m" or "P1M" in a time zone ──▶ where each bucket begins
//	Agg          "avg", "p99.9" ──▶ what has to be known of the values (Need)
//	Cell         values, or what a block of a segment knows of its values ──▶ one Value for each Agg
//
// # Cells
//
// A Cell takes the values of one field of one stream in one bucket, as slices of decoded columns or as statistics of whole blocks. When all of them
// are in, Close ends it, and cells of several streams merge into that of a group. Nothing of an average is averaged: a group's average is that
// of all its values. Only what is defined between the values of one counter, rate and delta, is computed for each stream and then added up.
//
// # What comes out
//
//   - Sums of integers are exact: 128 bits, whatever their kind. A field that has integers and floats has a float sum.
//   - Sums of floats carry their rounding errors along (Knuth's two-sum), in the order in which values and statistics were added. The result differs
//     from the exact sum by at most 2^-51 of the sum of the magnitudes, however it was put together; it overflows only where the sum itself does.
//   - Least and greatest are exact between kinds: 2^53+1 is above 2^53 also when one is an integer and the other a float. Of an integer
//     and an equal float the integer is shown. A result of zero has no sign.
//   - NaN takes part in count, first and last (and so in delta); everything else leaves it out, and nan counts it. Infinities take part as
//     IEEE 754 has them.
//   - A bool is the integer 0 or 1 in everything but first and last. Texts and bytes are counted, and can be first and last; they have no more.
//   - What is not defined for the values at hand is null: the average of none, the deviation of one, the rate of a single point.
package series
