package certificate

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"github.com/gaplessdb/gapless/segment"
)

// Names in a bundle, which is a tar file.
const (
	BundleCertificate = "certificate.json"
	BundleCheckpoint  = "checkpoint" // that of the certificate, for who keeps it for the next one
	BundlePolicy      = "policy"     // what the cluster says of its keys: nothing to trust
	BundleSegments    = "segments/"
)

// ErrBundle means that a file is no bundle.
var ErrBundle = errors.New("certificate: not a bundle")

// BundleSegment is a segment file for a bundle.
type BundleSegment struct {
	Name  string // with its extension
	Bytes int64
	Open  func() (io.ReadCloser, error)
}

// WriteBundle writes a certificate, its checkpoint, the policy and segments. Equal input gives equal bytes.
func WriteBundle(w io.Writer, c *Certificate, policy []byte, segments []BundleSegment) error {
	size, err := c.WriteTo(io.Discard) // the head has it
	if err != nil {
		return err
	}
	at, err := time.Parse(time.RFC3339, c.Issued)
	if err != nil {
		return fmt.Errorf("certificate: issued: %w", err)
	}
	out := tar.NewWriter(w)
	head := func(name string, size int64) error {
		return out.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: size, ModTime: at})
	}
	if err := head(BundleCertificate, size); err != nil {
		return err
	}
	if _, err := c.WriteTo(out); err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		body []byte
	}{{BundleCheckpoint, []byte(c.Proof.Checkpoint)}, {BundlePolicy, policy}} {
		if err := head(f.name, int64(len(f.body))); err != nil {
			return err
		}
		if _, err := out.Write(f.body); err != nil {
			return err
		}
	}
	for _, s := range segments {
		if err := head(BundleSegments+s.Name, s.Bytes); err != nil {
			return err
		}
		if err := s.copy(out); err != nil {
			return fmt.Errorf("certificate: bundle: %s: %w", s.Name, err)
		}
	}
	return out.Close()
}

func (s *BundleSegment) copy(w io.Writer) error {
	in, err := s.Open()
	if err != nil {
		return err
	}
	if _, err = io.CopyN(w, in, s.Bytes); err != nil {
		_ = in.Close()
		return err
	}
	return in.Close()
}

// Bundle is a bundle that is read. Nothing of it was checked.
type Bundle struct {
	Certificate, Checkpoint, Policy []byte

	in       io.ReaderAt
	segments map[string]place
	names    []string // of segments, in the order of the file
}

// place is where a file lies in the bundle.
type place struct{ offset, size int64 }

// OpenBundle reads everything but the segments, which stay in the file.
func OpenBundle(in io.ReaderAt, size int64) (*Bundle, error) {
	b := &Bundle{in: in, segments: map[string]place{}}
	whole := io.NewSectionReader(in, 0, size)
	texts := map[string]*[]byte{BundleCertificate: &b.Certificate, BundleCheckpoint: &b.Checkpoint, BundlePolicy: &b.Policy}
	end := int64(0) // of the last file, in whole blocks
	for r := tar.NewReader(whole); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrBundle, err)
		}
		offset, err := whole.Seek(0, io.SeekCurrent) // the reader reads whole blocks of 512 bytes, and no further
		if err != nil {
			return nil, err
		}
		if h.Typeflag != tar.TypeReg || h.Size > size-offset || len(h.PAXRecords) > 0 {
			return nil, fmt.Errorf("%w: %.100q is not a plain file", ErrBundle, h.Name)
		}
		if err := b.add(h.Name, place{offset, h.Size}, texts); err != nil {
			return nil, err
		}
		end = offset + (h.Size+tarBlock-1)/tarBlock*tarBlock
	}
	if err := ended(io.NewSectionReader(in, end, size-end)); err != nil {
		return nil, err
	}
	if b.Certificate == nil {
		return nil, fmt.Errorf("%w: it has no %s", ErrBundle, BundleCertificate)
	}
	return b, nil
}

// tarBlock is what a tar file is made of; two of zeros end it.
const tarBlock = 512

// ended makes sure that a bundle ends here: one that broke off between two files looks whole, but for that.
func ended(rest *io.SectionReader) error {
	if rest.Size() < 2*tarBlock {
		return fmt.Errorf("%w: it breaks off: the two blocks of zeros that end a tar file are not there", ErrBundle)
	}
	b := make([]byte, 32<<10)
	for at := int64(0); at < rest.Size(); {
		n, err := rest.ReadAt(b[:min(int64(len(b)), rest.Size()-at)], at)
		if n == 0 {
			return fmt.Errorf("certificate: bundle: %w", err)
		}
		if i := bytes.IndexFunc(b[:n], func(c rune) bool { return c != 0 }); i >= 0 {
			return fmt.Errorf("%w: something follows its last file, at byte %d behind it", ErrBundle, at+int64(i))
		}
		at += int64(n)
	}
	return nil
}

func (b *Bundle) add(name string, at place, texts map[string]*[]byte) error {
	if text, ok := texts[name]; ok {
		if *text != nil {
			return fmt.Errorf("%w: %s is in it twice", ErrBundle, name)
		}
		*text = make([]byte, at.size)
		_, err := io.ReadFull(io.NewSectionReader(b.in, at.offset, at.size), *text)
		return err
	}
	base, ok := strings.CutPrefix(name, BundleSegments)
	if !ok || path.Base(base) != base || !strings.HasSuffix(base, segment.Extension) {
		return fmt.Errorf("%w: %.100q does not belong into one", ErrBundle, name)
	}
	if _, twice := b.segments[base]; twice {
		return fmt.Errorf("%w: %s is in it twice", ErrBundle, name)
	}
	b.segments[base] = at
	b.names = append(b.names, base)
	return nil
}

// Segments is the names of the segments in the bundle.
func (b *Bundle) Segments() []string { return b.names }

// Segment is one of them.
func (b *Bundle) Segment(name string) (*io.SectionReader, error) {
	at, ok := b.segments[name]
	if !ok {
		return nil, fmt.Errorf("certificate: bundle: no segment %.100q", name)
	}
	return io.NewSectionReader(b.in, at.offset, at.size), nil
}
