package gapless

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/raftfsm"
	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/segment/shelf"
)

// storageRoutes show where this node keeps its frames, and flush.
func (n *Node) storageRoutes() []route {
	return []route{
		newRoute("GET", "/v1/storage", auth.Read, n.getStorage),
		newRoute("POST", "/v1/cluster/flush", auth.Admin, n.postFlush),
	}
}

// storageAnswer is GET /v1/storage.
type storageAnswer struct {
	Node      string          `json:"node"`
	Floor     uint64          `json:"floor"`      // index of the manifest that queries read, 0 before the first
	FloorHash string          `json:"floor_hash"` // equal on every node that has this floor
	Floors    []floorAnswer   `json:"floors"`     // newest first
	Head      headAnswer      `json:"head"`
	Log       logAnswer       `json:"log"`
	Total     totalAnswer     `json:"total"`   // of the manifest
	Missing   int             `json:"missing"` // segments of it that are not here
	Proof     proofAnswer     `json:"proof"`
	Segments  []segmentAnswer `json:"segments"`
}

// proofAnswer is what the proof takes beside the segments, in bytes.
type proofAnswer struct {
	Strips int64 `json:"strips"` // of every seal that ever was
	Census int64 `json:"census"` // the newest ones
	Log    int64 `json:"log"`    // the hashes of its records
}

type floorAnswer struct {
	Index     uint64 `json:"index"`
	Hash      string `json:"hash"`
	Bytes     int64  `json:"bytes"`
	Installed bool   `json:"installed"` // from another node
}

type headAnswer struct {
	Frames int   `json:"frames"` // sealed ones included
	Bytes  int64 `json:"bytes"`
	Sealed int   `json:"sealed"` // heads that wait for their flush
}

type logAnswer struct {
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
	Bytes int64  `json:"bytes"`
}

type totalAnswer struct {
	Segments int    `json:"segments"`
	Frames   uint64 `json:"frames"`
	Bytes    int64  `json:"bytes"`
}

type segmentAnswer struct {
	Name       string      `json:"name"`
	State      shelf.State `json:"state"`
	Bytes      int64       `json:"bytes"`
	Done       int64       `json:"done"` // bytes that are here
	Frames     uint64      `json:"frames"`
	FirstIndex uint64      `json:"first_index"`
	LastIndex  uint64      `json:"last_index"`
	Source     string      `json:"source,omitempty"` // who gave the last bytes of a pull
	Damage     string      `json:"damage,omitempty"`
	Error      string      `json:"error,omitempty"`
}

func (n *Node) getStorage(ctx *fasthttp.RequestCtx, _ auth.Principal) error {
	a := storageAnswer{Node: n.cfg.Node, Floors: []floorAnswer{}, Segments: []segmentAnswer{}}
	var m *segment.Manifest
	n.state.View(func(v raftfsm.View) {
		m, a.Floor = v.Manifest, v.Floor
		a.Head = headAnswer{v.Head.Frames(), v.Head.Bytes(), len(v.Sealed)}
		for _, sealed := range v.Sealed {
			a.Head.Frames += sealed.Frames()
			a.Head.Bytes += sealed.Bytes()
		}
	})
	for _, f := range n.floors.Floors() { // after the View: the floor that it has is there
		hash := hex.EncodeToString(f.Hash[:])
		a.Floors = append(a.Floors, floorAnswer{f.Index, hash, f.Bytes, f.Installed})
		if f.Index == a.Floor {
			a.FloorHash = hash
		}
	}
	kinds := n.sealer.Bytes()
	a.Proof = proofAnswer{kinds["strips"], kinds["census"], kinds["log"]}
	a.Total = totalAnswer{len(m.Segments()), m.Frames(), m.Bytes()}
	for _, st := range n.shelf.Status() {
		info, listed := m.Find(st.Name)
		if !listed {
			continue
		}
		if st.State != shelf.Present {
			a.Missing++
		}
		a.Segments = append(a.Segments, segmentAnswer{
			Name: st.Name.String(), State: st.State, Bytes: info.Bytes, Done: st.Done, Frames: info.Frames,
			FirstIndex: info.FirstIndex, LastIndex: info.LastIndex, Source: st.Source, Damage: st.Damage, Error: st.Error,
		})
	}
	var err error
	if a.Log, err = n.logAnswer(); err != nil {
		return err
	}
	return writeJSON(ctx, a)
}

func (n *Node) logAnswer() (a logAnswer, err error) {
	a.First, a.Last, err = n.logRange()
	a.Bytes = n.cons.log.Bytes()
	return a, err
}

// postFlush makes a flush point on every node. It answers when it is committed; each node writes its segment at its own pace.
func (n *Node) postFlush(ctx *fasthttp.RequestCtx, _ auth.Principal) error {
	n.skipBody(ctx)
	pos, _, err := n.ProposeCommand(n.ctx, raftfsm.KindFlush, 1, nil)
	if err != nil {
		return adminError(err)
	}
	return writeJSON(ctx, map[string]uint64{"floor": pos.Index})
}

// opener gives queries the segments, and says what a client can do while one is not here.
type opener struct{ n *Node }

// segmentError is a segment that this node cannot read now.
type segmentError struct {
	httpError
	err error
}

func (e *segmentError) Unwrap() error             { return e.err }
func (e *segmentError) RetryAfter() time.Duration { return retryAfter }

// Open implements query.Opener.
func (o opener) Open(name segment.Name) (*segment.Reader, func(), error) {
	r, release, err := o.n.shelf.Open(name)
	var missing *shelf.MissingError
	if errors.As(err, &missing) {
		e := &segmentError{err: err, httpError: httpError{
			status: http.StatusServiceUnavailable, code: "segment_" + missing.Why, message: err.Error(), hint: o.n.whoHasSegments(),
		}}
		if missing.Why == shelf.WhyDropped {
			e.hint = "the question took longer than retire_after, and a merge has replaced the segment: ask again, of less at once if it comes back"
		}
		return nil, nil, e
	}
	return r, release, err
}

// whoHasSegments tells how far the pull is, and where else to ask.
func (n *Node) whoHasSegments() string {
	missing := n.shelf.Missing()
	hint := fmt.Sprintf("%d segments are being pulled from other nodes", len(missing))
	n.state.View(func(v raftfsm.View) {
		for _, m := range v.Members.All() {
			if r, ok := v.Floors.Newest(m.Server); ok && m.Server != n.id.server() {
				hint = fmt.Sprintf("%s: ask http://%s, which has reported floor %d, or this node again in a while", hint, m.HTTP, r.Index)
				return
			}
		}
	})
	return hint
}
