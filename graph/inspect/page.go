package inspect

import (
	"context"

	"github.com/graphrun/graphrun/graph/journal"
)

// PageReader is a Reader that can begin its list of stacks anywhere.
type PageReader interface {
	Reader
	// StacksAfter is Stacks for those whose ids come after one, which need not be there. It
	// does not read those before.
	StacksAfter(ctx context.Context, after string, fn func(journal.Summary) error) error
}

// StacksAfter is PageReader.StacksAfter for any Reader. One that cannot begin anywhere reads
// all stacks.
func StacksAfter(ctx context.Context, r Reader, after string, fn func(journal.Summary) error) error {
	if p, ok := r.(PageReader); ok {
		return p.StacksAfter(ctx, after, fn)
	}
	return r.Stacks(ctx, func(sum journal.Summary) error {
		if sum.Identity.Stack <= after {
			return nil
		}
		return fn(sum)
	})
}
