package certify

import (
	"net/http"
	"strconv"

	"github.com/valyala/fasthttp"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/proof/tiles"
)

// newest is the newest checkpoint, an error before there is one.
func (a *API) newest() (note []byte, size int64, err error) {
	note, size, err = a.node.Checkpoint()
	if err == nil && note == nil {
		err = refuse(http.StatusServiceUnavailable, "no_checkpoint", "GET /v1/proof tells what the nodes wait for", "no majority of the nodes has signed the log yet")
	}
	return note, size, err
}

// checkpoint is GET /tlog/checkpoint.
func (a *API) checkpoint(ctx *fasthttp.RequestCtx, _ auth.Principal) error {
	note, _, err := a.newest()
	if err != nil {
		return err
	}
	ctx.SetContentType("text/plain; charset=utf-8")
	ctx.Response.Header.Set("Cache-Control", "no-store")
	ctx.SetBody(note)
	return nil
}

// policy is GET /v1/proof/policy.
func (a *API) policy(ctx *fasthttp.RequestCtx, _ auth.Principal) error {
	text, err := a.node.Policy()
	if err != nil {
		return err
	}
	ctx.SetContentType("text/plain; charset=utf-8")
	ctx.SetBody(text)
	return nil
}

// immutable is how long a tile may be kept: for ever, by who asked. A cache between would hand it to those who have no token.
const immutable = "private, max-age=31536000, immutable"

// tile is GET /tlog/tile/<level>/<index>[.p/<width>] and /tlog/tile/entries/...
func (a *API) tile(ctx *fasthttp.RequestCtx, _ auth.Principal) error {
	rest, _ := ctx.UserValue("path").(string)
	return a.serveTile(ctx, "tile/"+rest)
}

// entries is GET /tlog/entries/...: another way to the bundles of entries.
func (a *API) entries(ctx *fasthttp.RequestCtx, _ auth.Principal) error {
	rest, _ := ctx.UserValue("path").(string)
	return a.serveTile(ctx, "tile/entries/"+rest)
}

func (a *API) serveTile(ctx *fasthttp.RequestCtx, path string) error {
	p, err := tiles.ParsePath(path)
	if err != nil {
		return refuse(http.StatusNotFound, "unknown_tile", "paths are those of c2sp.org/tlog-tiles", "%v", err)
	}
	_, size, err := a.newest() // what nobody has signed yet is not given out
	if err != nil {
		return err
	}
	if err := p.In(size); err != nil {
		return refuse(http.StatusNotFound, "unknown_tile", "read /tlog/checkpoint for the size of the log", "%v", err)
	}
	var b []byte
	if p.Entries {
		b, err = a.bundle(ctx, p)
	} else {
		b, err = tiles.ReadTile(a.node.Log(), size, p)
	}
	if err != nil {
		return err
	}
	ctx.SetContentType("application/octet-stream")
	ctx.Response.Header.Set("Cache-Control", immutable)
	ctx.SetBody(b)
	return nil
}

// bundle reads the records of a tile.
func (a *API) bundle(ctx *fasthttp.RequestCtx, p tiles.Path) ([]byte, error) {
	work, end := a.within(ctx)
	defer end()
	records, err := a.node.Records(work, p.First(), p.Width)
	if err != nil {
		return nil, a.late(err)
	}
	if len(records) < p.Width {
		return nil, refuseNow(http.StatusServiceUnavailable, "not_ready", "ask another node", "this node has only %d of the %d records", len(records), p.Width)
	}
	return tiles.EncodeEntries(records)
}

// consistencyAnswer is GET /v1/proof/consistency.
type consistencyAnswer struct {
	From       int64       `json:"from"`
	FromRoot   tlog.Hash   `json:"from_root"`
	To         int64       `json:"to"`
	ToRoot     tlog.Hash   `json:"to_root"`
	Proof      []tlog.Hash `json:"proof"` // RFC 6962, section 2.1.2
	Checkpoint string      `json:"checkpoint"`
}

// consistency is GET /v1/proof/consistency?from=&to=: to is the newest checkpoint unless it is given.
func (a *API) consistency(ctx *fasthttp.RequestCtx, _ auth.Principal) error {
	note, size, err := a.newest()
	if err != nil {
		return err
	}
	to, err := sizeParam(ctx, "to", size, size)
	if err != nil {
		return err
	}
	from, err := sizeParam(ctx, "from", 0, to)
	if err != nil {
		return err
	}
	hashes := a.node.Log()
	answer := consistencyAnswer{From: from, To: to, Checkpoint: string(note)}
	answer.FromRoot, err = tlog.TreeHash(from, hashes)
	if err == nil {
		answer.ToRoot, err = tlog.TreeHash(to, hashes)
	}
	if err == nil {
		answer.Proof, err = tlog.ProveTree(to, from, hashes)
	}
	if err != nil {
		return err
	}
	if answer.Proof == nil {
		answer.Proof = []tlog.Hash{}
	}
	return writeJSON(ctx, answer)
}

// sizeParam reads a size of the log, from 1 to limit.
func sizeParam(ctx *fasthttp.RequestCtx, name string, otherwise, limit int64) (int64, error) {
	text := string(ctx.QueryArgs().Peek(name))
	if text == "" && otherwise > 0 {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 || n > limit {
		return 0, badParameter(name, text, "a number of records from 1 to "+strconv.FormatInt(limit, 10))
	}
	return n, nil
}
