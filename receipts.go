package gapless

import (
	"fmt"
	"net/http"

	"github.com/gaplessdb/gapless/ingest"
	"github.com/gaplessdb/gapless/proof/sign"
)

// notary signs receipts of batches with this node's key.
type notary struct{ n *Node }

// Ready implements ingest.Notary. The key has to be in the log: a receipt by one that no policy names would be worth nothing.
func (s notary) Ready() (ingest.Signer, error) {
	look := (&proofCatalog{s.n}).Look()
	if !look.Active {
		return nil, noReceipt(http.StatusConflict, "the cluster version in force has no proof", "upgrade every node, then run `gapless ctl cluster raise`")
	}
	node, origin := s.n.cfg.Node, look.Section.Origin()
	key, ok := s.n.sealer.Signer(&look)
	if !ok {
		return nil, noReceipt(http.StatusServiceUnavailable, "the log does not have this node's key yet",
			"send it again; a node without a vote never signs: ask another one, GET /v1/proof/keys lists them")
	}
	return func(r ingest.Receipt) (string, error) {
		note, err := key.SignReceipt(node, sign.Receipt{
			Origin: origin, Position: r.Position, Body: r.Body, Time: s.n.cfg.Clock(),
			Counts: sign.Counts{Accepted: uint64(r.Accepted), Duplicate: uint64(r.Duplicate), Conflict: uint64(r.Conflict), Unverified: uint64(r.Unverified),
				Rejected: uint64(r.Rejected), Refused: uint64(r.Refused)},
		})
		if err != nil {
			err = fmt.Errorf("gapless: receipt of %+v: %w", r.Position, err)
			s.n.log.Error("a batch is stored, and its receipt could not be signed", "err", err)
		}
		return string(note), err
	}, nil
}

func noReceipt(status int, message, hint string) error {
	return &ingest.Error{Status: status, Code: "no_receipt", Message: message + "; nothing was stored", Hint: hint}
}
