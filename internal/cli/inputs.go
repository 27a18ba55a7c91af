package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/graphrun/graphrun/graph/value"
)

// maxInput bounds what --set K=@FILE reads: one value of a state.
const maxInput = 64 << 20

// parseParams reads --param K=V. read gives the value that V stands for, as
// graph.Graph.ReadParam does: text for a param of a string type, else JSON. Whether
// the values fit is for the graph to say.
func parseParams(pairs []string, read func(name, text string) (any, error)) (map[string]any, error) {
	params := map[string]any{}
	for _, pair := range pairs {
		name, text, err := cutPair("--param", pair, "K=V")
		if err != nil {
			return nil, err
		}
		if _, twice := params[name]; twice {
			return nil, usagef("--param %s is given twice", name)
		}
		if params[name], err = read(name, text); err != nil {
			return nil, usagef("--param %s: %v", name, err)
		}
	}
	return params, nil
}

// parseSets reads --set K=JSON and K=@FILE.
func parseSets(pairs []string) (map[string]any, error) {
	sets := map[string]any{}
	for _, pair := range pairs {
		name, text, err := cutPair("--set", pair, "K=JSON or K=@FILE")
		if err != nil {
			return nil, err
		}
		if _, twice := sets[name]; twice {
			return nil, usagef("--set %s is given twice", name)
		}
		raw := []byte(text)
		if file, ok := strings.CutPrefix(text, "@"); ok {
			if raw, err = readBounded(file); err != nil {
				return nil, usagef("--set %s: %v", name, err)
			}
		}
		if sets[name], err = value.Decode(raw); err != nil {
			return nil, usagef("--set %s: not JSON: %v (a text needs quotes: '%s=\"…\"')", name, err, name)
		}
	}
	return sets, nil
}

func cutPair(flag, pair, form string) (name, text string, err error) {
	name, text, ok := strings.Cut(pair, "=")
	if !ok || name == "" {
		return "", "", usagef("%s %q: expected %s", flag, pair, form)
	}
	return name, text, nil
}

func readBounded(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxInput+1))
	if err == nil && len(b) > maxInput {
		err = fmt.Errorf("%s is larger than %d MiB", file, maxInput>>20)
	}
	return bytes.TrimPrefix(b, byteOrderMark), err
}

// byteOrderMark is what some programs write before a text in UTF-8.
var byteOrderMark = []byte("\uFEFF")
