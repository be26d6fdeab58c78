//go:build !unix

package query

import "time"

func cpuTime() time.Duration { return 0 }
