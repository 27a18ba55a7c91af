package runtime

import (
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/runtime/internal/timer"
)

// outbox holds the messages of a stack that are committed and on their way. The
// machine decides which they are, and keeps them until it hears that each has arrived.
type outbox struct {
	waiting    []machine.Message
	delivering bool
	retry      *timer.Timer // a delivery failed; until then, none is tried
}
