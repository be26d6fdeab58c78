package certify

import (
	"bytes"
	"io"
	"net/http"

	"github.com/valyala/fasthttp"

	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/sign"
	"github.com/gaplessdb/gapless/segment"
)

// answer gives a certificate in the form that is wanted, and the turn back when it is sent.
func (a *API) answer(ctx *fasthttp.RequestCtx, c *certificate.Certificate, f form, give func()) error {
	contentType, write := "application/json", func(w io.Writer) error {
		_, err := c.WriteTo(w)
		return err
	}
	var err error
	switch f.format {
	case "html":
		contentType = "text/html; charset=utf-8"
		write, err = page(c)
	case "tar":
		contentType = "application/x-tar"
		write, err = a.bundleOf(c, f.segments)
	}
	if err != nil {
		give()
		return err
	}
	if f.format == "tar" {
		ctx.Response.Header.Set("Content-Disposition", `attachment; filename="certificate.tar"`)
	}
	a.stream(ctx, contentType, write, give)
	return nil
}

// page is the certificate as a page to read and to print.
func page(c *certificate.Certificate) (write func(io.Writer) error, err error) {
	var b bytes.Buffer
	err = c.Page(&b)
	return func(w io.Writer) error {
		_, err := w.Write(b.Bytes())
		return err
	}, err
}

// bundleOf writes the certificate, the policy and, if they are wanted, the segments as one file.
func (a *API) bundleOf(c *certificate.Certificate, withSegments bool) (write func(io.Writer) error, err error) {
	policy, err := a.node.Policy()
	if err != nil {
		return nil, err
	}
	p, err := sign.ParsePolicy(policy)
	if err != nil {
		return nil, err
	}
	if _, err := p.Check([]byte(c.Proof.Checkpoint)); err != nil {
		return nil, refuseNow(http.StatusServiceUnavailable, "not_ready", "ask again", "the nodes that vote have changed while the certificate was made: %v", err)
	}
	var segments []certificate.BundleSegment
	if withSegments {
		if segments, err = a.segmentsOf(c); err != nil {
			return nil, err
		}
	}
	return func(w io.Writer) error { return certificate.WriteBundle(w, c, policy, segments) }, nil
}

// segmentsOf lists the segments of a certificate for a bundle.
func (a *API) segmentsOf(c *certificate.Certificate) (list []certificate.BundleSegment, err error) {
	bytes := int64(0)
	for _, s := range c.Segments {
		bytes += s.Bytes
		list = append(list, certificate.BundleSegment{
			Name: s.Name + segment.Extension, Bytes: s.Bytes,
			Open: func() (io.ReadCloser, error) {
				f, _, err := a.node.Segment(s.Name)
				return f, err
			},
		})
	}
	if bytes > a.opt.MaxSegments {
		return nil, refuse(http.StatusUnprocessableEntity, "limit", "take the certificate without segments and copy their files from a node's data directory",
			"the segments have %d bytes, a bundle may have %d", bytes, a.opt.MaxSegments)
	}
	return list, nil
}
