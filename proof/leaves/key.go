package leaves

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/gaplessdb/gapless/frame"
)

// Key is what leaves are sorted and found by: a stream and, among strips, the server's ordinal of the epoch; 0 in a census.
type Key struct {
	frame.StreamKey
	Epoch uint32
}

// Compare orders keys by tenant, device, stream, each byte by byte, and epoch: -1, 0 or +1.
func (k Key) Compare(o Key) int {
	return cmp.Or(strings.Compare(k.Tenant, o.Tenant), strings.Compare(k.Device, o.Device), strings.Compare(k.Stream, o.Stream),
		cmp.Compare(k.Epoch, o.Epoch))
}

func (k Key) String() string {
	s := fmt.Sprintf("%s/%s/%s", k.Tenant, k.Device, k.Stream)
	if k.Epoch > 0 {
		s += fmt.Sprintf(" epoch %d", k.Epoch)
	}
	return s
}

// check holds a key against what a file of this kind may have.
func (k Key) check(kind Kind) error {
	if err := k.Validate(); err != nil {
		return err
	}
	if (k.Epoch > 0) != (kind == Strips) {
		return fmt.Errorf("epoch %d in a file of kind %s", k.Epoch, kind)
	}
	return nil
}
