package verify

import (
	"io"

	"github.com/gaplessdb/gapless/proof/certificate"
)

// Bundle is the segments of a bundle, nil when it has none.
func Bundle(b *certificate.Bundle) Files {
	if len(b.Segments()) == 0 {
		return nil
	}
	return bundle{b}
}

type bundle struct{ b *certificate.Bundle }

func (b bundle) List() ([]string, error) { return b.b.Segments(), nil }

func (b bundle) Open(name string) (File, error) {
	r, err := b.b.Segment(name)
	return section{r}, err
}

// section is a file in a bundle, which its owner closes.
type section struct{ *io.SectionReader }

func (section) Close() error           { return nil }
func (s section) Size() (int64, error) { return s.SectionReader.Size(), nil }
