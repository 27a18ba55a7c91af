package machine

import (
	"errors"
	"time"

	"github.com/graphrun/graphrun/graph"
)

// ErrGraphChanged: the snapshot was taken under another definition.
var ErrGraphChanged = errors.New("machine: the graph has changed")

// Machine is one stack. Not safe for concurrent use.
type Machine struct{}

// New starts a stack: init overrides initial values of keys. Errors name the
// param or key that does not fit.
func New(g *graph.Graph, o Options, id Identity, init map[string]any, at time.Time) (*Machine, error) {
	panic("contract")
}

// Restore continues from a snapshot. Tasks that were running when it was taken
// are in the first Ready again, with a higher attempt; finished ones are not.
func Restore(g *graph.Graph, o Options, s Snapshot, at time.Time) (*Machine, error) {
	panic("contract")
}

// Step feeds one input. Late, double and unknown results are ignored.
func (m *Machine) Step(in Input) error { panic("contract") }

// Ready is what there is to do; false when there is nothing new since Advance.
func (m *Machine) Ready() (Ready, bool) { panic("contract") }

// Advance says that the last Ready was done (its commit is durable).
func (m *Machine) Advance() { panic("contract") }

// Adopt takes up a changed graph between two cycles; the error says which key
// does not fit and why.
func (m *Machine) Adopt(g *graph.Graph) error { panic("contract") }

// State is the committed state; values are shared and must not be changed.
func (m *Machine) State() map[string]any { panic("contract") }

// Cursor is where the stack stands.
func (m *Machine) Cursor() Cursor { panic("contract") }

// AppendRecord writes a record as one JSON object without a line end: the keys
// of SPEC section 4 and, with journal, those that only the store keeps.
func AppendRecord(b []byte, r Record, journal bool) []byte { panic("contract") }

// ParseRecord reads what AppendRecord wrote with journal.
func ParseRecord(b []byte) (Record, error) { panic("contract") }
