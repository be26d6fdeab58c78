package replay

import (
	"strings"
	"testing"
)

// TestOnlyFiles: what cannot be read twice, or never ends, is refused at once and says how to send it.
func TestOnlyFiles(t *testing.T) {
	for _, name := range []string{t.TempDir(), "/dev/null"} {
		if _, err := openFile(name, nil, &Mapping{}); err == nil || !strings.Contains(err.Error(), "gapless replay -") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
