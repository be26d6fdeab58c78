package replay

// Counts is what became of the rows of a file. Rows = Filtered + Skipped + Bad + Frames; Frames = Sent when all is done;
// Sent = Accepted + Duplicate + Conflict + Unverified + Rejected.
type Counts struct {
	Rows     int64 `json:"rows"`
	Filtered int64 `json:"filtered"` // where did not hold
	Skipped  int64 `json:"skipped"`  // without a number
	Bad      int64 `json:"bad"`      // could not become frames
	Frames   int64 `json:"frames"`

	Sent       int64 `json:"sent"` // and answered
	Accepted   int64 `json:"accepted"`
	Duplicate  int64 `json:"duplicate"`  // also frames of a request that the cluster knew by its Idempotency-Key
	Conflict   int64 `json:"conflict"`   // the number is stored with another content: the first stays
	Unverified int64 `json:"unverified"` // the number is stored, the content not compared yet
	Rejected   int64 `json:"rejected"`   // refused by the cluster
	Requests   int64 `json:"requests"`
	Bytes      int64 `json:"bytes"` // of requests' bodies
}

// answered adds what the cluster said of batches.
func (c *Counts) answered(o *Counts) {
	c.Sent += o.Sent
	c.Accepted += o.Accepted
	c.Duplicate += o.Duplicate
	c.Conflict += o.Conflict
	c.Unverified += o.Unverified
	c.Rejected += o.Rejected
	c.Requests += o.Requests
	c.Bytes += o.Bytes
}

// ack is the answer to a batch.
type ack struct {
	Position   string `json:"position"`
	Accepted   int64  `json:"accepted"`
	Duplicate  int64  `json:"duplicate"`
	Conflict   int64  `json:"conflict"`
	Unverified int64  `json:"unverified"`
	Replayed   bool   `json:"replayed"`
	Rejected   []struct {
		Item    int    `json:"item"`
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"rejected"`
}

// counts says what became of a batch's frames. A request that was known before this run sent it stored nothing now.
func (a *ack) counts(b *batch, tries int) Counts {
	c := Counts{
		Sent: int64(b.frames), Accepted: a.Accepted, Duplicate: a.Duplicate, Conflict: a.Conflict, Unverified: a.Unverified,
		Rejected: int64(len(a.Rejected)), Requests: 1, Bytes: int64(len(b.body)),
	}
	if a.Replayed && tries == 1 {
		c.Duplicate += c.Accepted
		c.Accepted = 0
	}
	return c
}
