package stay

import (
	"errors"
	"fmt"

	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/internal/late"
	"github.com/graphrun/graphrun/nodes"
)

// envelope is how many bytes an answer may have besides its output.
const envelope = 256 << 10

// taskLine is a task as its program reads it. input and env are canonical.
func taskLine(t *nodes.Task, input any, env map[string]any) []byte {
	var item any
	if t.Item != "" {
		item = t.Item
	}
	b := make([]byte, 0, 256)
	for i, member := range []struct {
		name string
		is   any
	}{
		{"key", t.Key}, {"attempt", int64(t.Attempt)}, {"stack", t.Stack}, {"graph", t.Graph},
		{"cycle", int64(t.Cycle)}, {"wave", int64(t.Wave)}, {"node", t.Node}, {"item", item},
		{"input", input}, {"env", env},
	} {
		sep := byte(',')
		if i == 0 {
			sep = '{'
		}
		b = append(append(append(b, sep, '"'), member.name...), '"', ':')
		b = value.Append(b, member.is)
	}
	return append(b, '}', '\n')
}

// answer is one line of a program.
type answer struct {
	key    string
	log    string
	over   bool // it says how the task ended
	output any
	failed *nodes.Error
}

var errNoAnswer = errors.New(`it is not {"key", "output"}, {"key", "error"} or {"key", "log"}`)

// kindName is what the kind of a failure looks like.
var kindName = late.Regexp(`^[A-Za-z_][A-Za-z0-9_.-]{0,63}$`)

// readAnswer reads a line. Members that it does not know are left out.
func readAnswer(line []byte) (answer, error) {
	v, err := value.Decode(line)
	if err != nil {
		return answer{}, err
	}
	m, _ := v.(map[string]any)
	key, ok := m["key"].(string)
	if !ok {
		return answer{}, errNoAnswer
	}
	a := answer{key: key}
	output, done := m["output"]
	failure, failed := m["error"]
	failed = failed && failure != nil
	log, logs := m["log"].(string)
	a.log, a.output, a.over = log, output, done || failed
	switch {
	case done && failed, !a.over && !logs:
		return answer{}, errNoAnswer
	case failed:
		if a.failed, err = readFailure(failure); err != nil {
			return answer{}, err
		}
	}
	return a, nil
}

// readFailure reads the `error` of an answer.
func readFailure(v any) (*nodes.Error, error) {
	m, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New(`its "error" is no object`)
	}
	e := &nodes.Error{Kind: "error"}
	for name, v := range m { // in any order: each has a place of its own
		ok := true
		switch name {
		case "kind":
			if e.Kind, ok = v.(string); !kindName().MatchString(e.Kind) {
				ok = false
			}
		case "code":
			var code int64
			if code, ok = v.(int64); ok {
				e.Code = &code
			}
		case "message":
			e.Message, ok = v.(string)
		case "permanent":
			e.Permanent, ok = v.(bool)
		}
		if !ok && v != nil {
			return nil, fmt.Errorf("its error has a %q of another form", name)
		}
	}
	if e.Kind == "" {
		e.Kind = "error"
	}
	if e.Message == "" {
		e.Message = "the program reports a failure"
	}
	return e, nil
}
