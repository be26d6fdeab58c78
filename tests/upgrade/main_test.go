package upgrade

import (
	"os"
	"testing"

	"github.com/gaplessdb/gapless/tests/cluster"
)

func TestMain(m *testing.M) { os.Exit(cluster.Main(m)) }
