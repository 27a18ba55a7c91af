package nodes

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/graphrun/graphrun/graph/value"
)

// Decode reads a canonical value, as Task.With, into a Go value, strictly:
// a field that the Go type lacks is an error, and so is a value of another
// type. nil leaves into as it is. Numbers inside `any` become float64, as
// encoding/json has it; fields of integer types are exact.
func Decode(v any, into any) error {
	if v == nil {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(value.Append(nil, v)))
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	var mismatch *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &mismatch) && mismatch.Field != "":
		return fmt.Errorf("field %q: got a %s, want %s", mismatch.Field, mismatch.Value, mismatch.Type)
	case mismatch != nil:
		return fmt.Errorf("got a %s, want %s", mismatch.Value, mismatch.Type)
	}
	return err
}
