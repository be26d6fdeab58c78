package gapless

import (
	"time"

	"github.com/valyala/fasthttp"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/compact"
	"github.com/gaplessdb/gapless/segment"
)

// mergeRoutes show which segments are being merged.
func (n *Node) mergeRoutes() []route {
	return []route{newRoute("GET", "/v1/merges", auth.Read, n.getMerges)}
}

// mergesAnswer is GET /v1/merges.
type mergesAnswer struct {
	Node    string            `json:"node"`
	Policy  mergePolicyAnswer `json:"policy"`
	Pending []mergeAnswer     `json:"pending"` // the oldest first
	Waiting []waitingMerge    `json:"waiting"` // done, in force from the next floor on
	Spread  spreadAnswer      `json:"spread"`
	Disk    mergeDiskAnswer   `json:"disk"`
}

type mergePolicyAnswer struct {
	Off      bool  `json:"off"`
	WindowMS int64 `json:"window_ms"`
	FanIn    int   `json:"fan_in"`
	MaxBytes int64 `json:"max_bytes"`
}

type mergeAnswer struct {
	ID       uint64   `json:"id"`
	State    string   `json:"state"` // planned, built
	Builder  string   `json:"builder"`
	Floor    uint64   `json:"floor"` // index of the manifest that lists the inputs
	WindowMS int64    `json:"window_ms"`
	Frames   uint64   `json:"frames"`
	Bytes    int64    `json:"bytes"` // of the inputs
	Inputs   []string `json:"inputs"`
	Outputs  []string `json:"outputs"`
	Verified []string `json:"verified"` // servers, the builder included
}

type waitingMerge struct {
	Inputs  []string `json:"inputs"`
	Outputs []string `json:"outputs"`
}

// spreadAnswer is how many segments lie in a window.
type spreadAnswer struct {
	Mean float64 `json:"mean"`
	Max  int     `json:"max"`
}

type mergeDiskAnswer struct {
	Files    int64 `json:"files"`    // bytes of segment files here
	Manifest int64 `json:"manifest"` // bytes that the manifest lists
}

func (n *Node) getMerges(ctx *fasthttp.RequestCtx, _ auth.Principal) error {
	look := (&catalog{n}).state()
	p := look.Policy.WithDefaults()
	a := mergesAnswer{
		Node: n.cfg.Node, Policy: mergePolicyAnswer{p.Off, p.WindowNS / int64(time.Millisecond), p.FanIn, p.MaxBytes},
		Pending: []mergeAnswer{}, Waiting: []waitingMerge{}, Disk: mergeDiskAnswer{n.shelf.Bytes(), look.Manifest.Bytes()},
	}
	for _, plan := range look.Section.Plans() {
		a.Pending = append(a.Pending, answerOf(plan))
	}
	for _, e := range look.Section.Edits() {
		w := waitingMerge{Inputs: []string{}, Outputs: namesOf(e.Add)}
		for _, name := range e.Drop {
			w.Inputs = append(w.Inputs, name.String())
		}
		a.Waiting = append(a.Waiting, w)
	}
	a.Spread.Mean, a.Spread.Max = compact.Spread(look.Manifest, look.Policy)
	return writeJSON(ctx, a)
}

func answerOf(p *compact.Plan) mergeAnswer {
	m := mergeAnswer{
		ID: p.ID, State: "planned", Builder: p.Builder, Floor: p.Floor, WindowMS: p.WindowNS / int64(time.Millisecond),
		Inputs: namesOf(p.Inputs), Outputs: namesOf(p.Outputs), Verified: append([]string{}, p.Verified...),
	}
	if p.Outputs != nil {
		m.State = "built"
	}
	for i := range p.Inputs {
		m.Frames += p.Inputs[i].Frames
		m.Bytes += p.Inputs[i].Bytes
	}
	return m
}

func namesOf(list []segment.Info) []string {
	names := make([]string, len(list))
	for i := range list {
		names[i] = list[i].Name.String()
	}
	return names
}
