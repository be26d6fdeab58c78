package certify

import (
	"bufio"
	"bytes"
	"io"
	"net/http"

	"github.com/valyala/fasthttp"

	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/segment"
)

// page answers with the certificate as a page to read and to print.
func (a *API) page(ctx *fasthttp.RequestCtx, c *certificate.Certificate) error {
	var b bytes.Buffer
	if err := c.Page(&b); err != nil {
		return err
	}
	ctx.SetContentType("text/html; charset=utf-8")
	ctx.SetBody(b.Bytes())
	return nil
}

// bundleOf answers with the certificate, the policy and, if they are wanted, the segments in one file. It is written as it is read: an answer that breaks
// off has no end that a tar reader takes for one.
func (a *API) bundleOf(ctx *fasthttp.RequestCtx, c *certificate.Certificate, withSegments bool) error {
	policy, err := a.node.Policy()
	if err != nil {
		return err
	}
	var segments []certificate.BundleSegment
	if withSegments {
		if segments, err = a.segmentsOf(c); err != nil {
			return err
		}
	}
	ctx.SetContentType("application/x-tar")
	ctx.Response.Header.Set("Content-Disposition", `attachment; filename="certificate.tar"`)
	if !withSegments {
		var b bytes.Buffer
		if err := certificate.WriteBundle(&b, c, policy, nil); err != nil {
			return err
		}
		ctx.SetBody(b.Bytes())
		return nil
	}
	ctx.SetBodyStreamWriter(func(w *bufio.Writer) {
		if err := certificate.WriteBundle(w, c, policy, segments); err != nil {
			a.opt.Logger.Warn("a bundle broke off", "err", err)
		}
	})
	return nil
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
