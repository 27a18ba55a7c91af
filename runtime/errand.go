package runtime

import (
	"sync"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/mask"
	"github.com/graphrun/graphrun/nodes"
)

// errand is an attempt with all that belongs to it, as one piece of memory. Of what the work may ask of
// its driver nothing is made before it does.
type errand struct {
	attempt
	d *drive
	// Set when its work begins.
	n *graph.Node
	*ground

	// How it ended; written before the letter about it is posted.
	res nodes.Result
	err *nodes.Error
	at  time.Time

	saying sync.Mutex
	speech *speech // nil while nobody has asked for a way to say something
}

// speech is what an attempt says. A secret may be split over pieces, so the end of what
// has come is held back as long as it may be the beginning of one. The texts go through
// the mask also when nobody listens: a listener may come in the middle of a secret.
type speech struct {
	stream *mask.Stream
	offset int
}
