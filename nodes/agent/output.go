package agent

import (
	"strings"

	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes"
)

// wanted is the declared type of the output.
type wanted struct {
	typ    *schema.Type
	name   string
	schema map[string]any
	bytes  int // of schema
}

// newWanted reads `output`; nil if there is none.
func newWanted(t *nodes.Task, written any) (*wanted, error) {
	if written == nil {
		return nil, nil
	}
	if t.Output == nil {
		return nil, bad("the driver does not say which type `output` is")
	}
	w := &wanted{typ: t.Output, name: "output", schema: t.Output.JSON()}
	if t.Output.Name != "" {
		w.name = t.Output.Name
	}
	w.bytes = value.Size(any(w.schema))
	return w, nil
}

// read finds the output in an answer, or says why it does not fit.
func (w *wanted) read(text string) (out any, problem string) {
	v, err := value.Decode([]byte(unfenced(text)))
	if err == nil {
		if v, err = w.typ.Check("", v); err == nil {
			return v, ""
		}
	} else {
		err = notJSON{err}
	}
	if w.typ.Kind == schema.String { // a text needs no quotes
		if v, e := w.typ.Check("", strings.TrimSpace(text)); e == nil {
			return v, ""
		}
	}
	return nil, strings.TrimPrefix(err.Error(), ": ")
}

type notJSON struct{ err error }

func (e notJSON) Error() string { return "it is no JSON value: " + e.err.Error() }

// unfenced is an answer without the fence of a code block around it, which many models
// write.
func unfenced(text string) string {
	text = strings.TrimSpace(text)
	inner, ok := strings.CutPrefix(text, "```")
	if !ok {
		return text
	}
	if i := strings.IndexByte(inner, '\n'); i >= 0 && !strings.ContainsAny(inner[:i], "{}[]\"") {
		inner = inner[i+1:] // the name of the language
	}
	inner, ok = strings.CutSuffix(strings.TrimSpace(inner), "```")
	if !ok {
		return text
	}
	return strings.TrimSpace(inner)
}
