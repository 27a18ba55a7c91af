package schema

// Mismatch says that a value does not fit a type, and where in the value.
type Mismatch struct {
	Path    string // as todos[2].status
	Message string // as `must be an integer, not a string`
}

// Error is `PATH: MESSAGE`.
func (m *Mismatch) Error() string {
	if m.Path == "" {
		return m.Message
	}
	return m.Path + ": " + m.Message
}

type checks struct{}

// Check says whether v fits t, and gives its canonical form.
func (t *Type) Check(path string, v any) (canonical any, err error) { panic("contract") }

// Zero is what a key without a default starts as.
func (t *Type) Zero() (any, bool) { panic("contract") }
