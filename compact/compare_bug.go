//go:build bug_merge_unseen

package compact

import (
	"context"

	"github.com/gaplessdb/gapless/segment"
)

// Breaks: nobody says VERIFIED of a result that differs from its inputs. Here what the builder made is believed unseen.
func (w *Worker) compare(context.Context, *Plan, []segment.Info, []*segment.Reader) error { return nil }
