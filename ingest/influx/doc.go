// Package influx is the door for writers of InfluxDB's line protocol: POST /write as version 1 has it, POST /api/v2/write as version 2
// has it, and the few requests beside them that such writers make. Telegraf and the client libraries write to gapless through it as they
// are.
//
//	mill,device=mill-07,hall=3 temp=21.53,rpm=1500i,seq=17i 1763719200250000000
//	 |    |             |      |                    |       device time, in the unit of ?precision=
//	 |    |             |      fields of the frame  number of the frame
//	 |    device        tags are fields of type string
//	 stream
//
// What line protocol has no word for, and what it becomes here:
//   - The device is the value of the first of Options.DeviceTags that the line has. A line without any of them is the measurement's own:
//     device and stream are both the measurement.
//   - A line with a seq is numbered by its device, and stored exactly once however often it is sent. Other lines are numbered by the
//     server: their gaps cannot be told by number, and a repetition is stored twice unless the request has an Idempotency-Key. The header
//     X-Gapless-Delivery says which it was.
//   - Databases, retention policies, organisations and buckets are no namespace: the tenant is the token's. Nothing is refused for the
//     name of its database, and Options.DatabaseField keeps that name as a field.
//
// Invariants:
//   - A line that can be read is stored although its neighbours are bad. The answer to a request with bad lines is 400 and names each of
//     them by its place in the body, and the balance of the listener counts them. A bad line whose device, stream and number are certain
//     is recorded as rejected, so that the gap report can say why the number is missing.
//   - No line is guessed at: what is ambiguous (a number twice, a tag twice, a float that no float64 is) is a bad line. A tag and a field
//     of one name are both kept: the tag becomes NAME_tag.
//   - Answers have the form that clients of the version know, those about tokens and overload too. A client tells by them what to send
//     again (429, 503) and what not to (400, 413).
//
// Lines are split by InfluxData's own decoder, whose reading of escapes holds: in a string \n, \r and \t are line end, carriage return
// and tab, as its Go libraries write them.
package influx
