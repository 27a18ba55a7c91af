package work

import (
	"errors"
	"fmt"

	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/internal/late"
)

var stackID = late.Regexp(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)

// CheckStackID says what is wrong with the id that a stack is to have.
func CheckStackID(id string) error {
	if !stackID().MatchString(id) {
		return errors.New("bad stack id: expected at most 128 letters, digits, _, - and ., beginning with a letter, a digit or _")
	}
	return nil
}

// Canonical converts the values of a Go program to those of a state.
func Canonical(in map[string]any) (map[string]any, error) {
	out := make(map[string]any, len(in))
	for k, v := range in { // in any order: a copy
		c, err := value.CopyOf(v)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", k, err)
		}
		out[k] = c.Any()
	}
	return out, nil
}
