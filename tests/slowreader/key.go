package slowreader

import (
	"cmp"
	"fmt"
	"strings"
)

// Compare orders by tenant, device, stream and epoch.
func (k Key) Compare(o Key) int {
	return cmp.Or(cmp.Compare(k.Tenant, o.Tenant), cmp.Compare(k.Device, o.Device), cmp.Compare(k.Stream, o.Stream), cmp.Compare(k.Epoch, o.Epoch))
}

func (k Key) String() string {
	return fmt.Sprintf("%s/%s/%s/%d", k.Tenant, k.Device, k.Stream, k.Epoch)
}

// keys undoes two columns of a table: how many bytes of a key are those of the one before, and the rest.
func keys(shared []int64, rest [][]byte) ([]Key, error) {
	list := make([]Key, len(rest))
	before := ""
	for i := range rest {
		if shared[i] < 0 || shared[i] > int64(len(before)) {
			return nil, damaged("key %d shares %d bytes of %d", i, shared[i], len(before))
		}
		before = before[:shared[i]] + string(rest[i])
		names := strings.Split(before, "\x00")
		if len(names) != 3 || names[0] == "" || names[1] == "" || names[2] == "" {
			return nil, damaged("key %d is %q", i, before)
		}
		list[i] = Key{Tenant: names[0], Device: names[1], Stream: names[2]}
	}
	return list, nil
}
