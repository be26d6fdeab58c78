package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"

	"github.com/gaplessdb/gapless/proof/certificate"
)

// fetch writes what the node answers to the file, or to out, once it is known to be whole, and returns what it says in one line.
func (o *certifyOptions) fetch(ctx context.Context, c *client, out io.Writer, params url.Values, body []byte) (said string, err error) {
	resp, err := c.open(ctx, http.MethodPost, "/v1/certificates", params, body)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	f, err := o.part()
	if err != nil {
		return "", err
	}
	size, err := io.Copy(f, resp.Body)
	if err == nil {
		said, err = o.check(f, size, resp.Header.Get("X-Gapless-Verdict"))
	}
	if err == nil && o.file == "-" {
		_, err = io.Copy(out, io.NewSectionReader(f, 0, size))
	}
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil && o.file != "-" {
		return said, os.Rename(f.Name(), o.file)
	}
	return said, errors.Join(err, os.Remove(f.Name()))
}

// part is the file until it is whole.
func (o *certifyOptions) part() (*os.File, error) {
	if o.file == "-" {
		return os.CreateTemp("", "gapless-certificate-*.part")
	}
	return os.Create(o.file + ".part")
}

// check finds out whether an answer is whole, and what it says. Nobody can tell a page, so what the node says of it has to do.
func (o *certifyOptions) check(f *os.File, size int64, verdict string) (string, error) {
	cut := func(err error) error { return fmt.Errorf("the answer was cut after %d bytes: %w", size, err) }
	if o.format == "html" {
		end := make([]byte, min(size, 64))
		if _, err := f.ReadAt(end, size-int64(len(end))); err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		if !bytes.HasSuffix(bytes.TrimSpace(end), []byte("</html>")) {
			return "", cut(errors.New("the page has no end"))
		}
		return verdict, nil
	}
	text, err := o.certificate(f, size)
	var c certificate.Certificate
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	if err != nil {
		return "", cut(err)
	}
	s := &c.Statement
	return fmt.Sprintf("%s: %d of %d numbers stored, of %s, as of index %d at %s",
		c.Verdict, s.Stored, s.Expected, plural(uint64(s.Devices), "device", "devices"), c.AsOf.Index, c.AsOf.Time), nil
}

// certificate is the JSON in the file. A bundle that broke off promises more bytes than it has.
func (o *certifyOptions) certificate(f *os.File, size int64) ([]byte, error) {
	if o.format == "json" {
		return io.ReadAll(io.NewSectionReader(f, 0, size))
	}
	b, err := certificate.OpenBundle(f, size)
	if err != nil {
		return nil, err
	}
	return b.Certificate, nil
}
