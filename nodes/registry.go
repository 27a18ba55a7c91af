package nodes

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/internal/late"
)

// Registry is a set of kinds: what a graph may name in `uses`. It is a value
// of its own, nothing is registered behind a program's back. It is safe for
// concurrent use; the zero Registry is not usable, call NewRegistry.
type Registry struct {
	mu    sync.RWMutex
	specs map[string]Spec
}

var _ graph.Kinds = (*Registry)(nil)

// NewRegistry is an empty registry.
func NewRegistry() *Registry { return &Registry{} }

var kindName = late.Regexp(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

// Register adds a kind. It refuses a name that is taken, unless by a kind that
// is Missing: that is how a program brings its own `agent`.
func (r *Registry) Register(s Spec) error {
	if err := s.check(); err != nil {
		return fmt.Errorf("nodes: kind %q: %w", s.Name, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if old, taken := r.specs[s.Name]; taken && !old.Missing {
		return fmt.Errorf("nodes: kind %q is registered already", s.Name)
	}
	if r.specs == nil {
		r.specs = map[string]Spec{}
	}
	r.specs[s.Name] = s
	return nil
}

// check finds what would make a kind unusable later.
func (s Spec) check() error {
	if s.err != nil {
		return s.err
	}
	if !kindName().MatchString(s.Name) {
		return fmt.Errorf("bad name: want %s", kindName())
	}
	idle := s.Inline || s.Missing || s.Waits || s.Sends || s.Runs
	if s.Node == nil && !idle {
		return errors.New("no Node: only Inline, Waits, Sends, Runs and Missing kinds have no work")
	}
	if s.Node != nil && idle {
		return errors.New("a Node that would never run: the kind is Inline, Waits, Sends, Runs or Missing")
	}
	seen := map[string]bool{}
	for _, f := range s.Fields {
		if f.Name == "" {
			return errors.New("a field without a name")
		}
		if err := checkSpelling(f.Type); err != nil {
			return fmt.Errorf("field %q: %w", f.Name, err)
		}
		if seen[f.Name] {
			return fmt.Errorf("field %q is declared twice", f.Name)
		}
		seen[f.Name] = true
	}
	return nil
}

// checkSpelling checks a field's type as it is written in a graph.Field.
func checkSpelling(t string) error {
	if t == "duration" {
		return nil
	}
	if words := strings.Split(t, "|"); len(words) > 1 {
		if slices.Contains(words, "") {
			return fmt.Errorf("type %q: an empty word", t)
		}
		return nil
	}
	none, _ := schema.NewSet(nil)
	if _, problems := none.Compile(tree.Of(t)); len(problems) > 0 {
		return fmt.Errorf("type %q: %s", t, problems[0].Message)
	}
	return nil
}

// Spec finds a kind with its work.
func (r *Registry) Spec(name string) (Spec, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	s, ok := r.specs[name]
	return s, ok
}

// Work finds the work of a kind; nil if it has none, or is not there.
func (r *Registry) Work(name string) Node {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.specs[name].Node
}

// Kind finds what the compiler needs to know of a kind.
func (r *Registry) Kind(name string) (graph.Kind, bool) {
	s, ok := r.Spec(name)
	return s.Kind, ok
}

// Names lists the kinds, sorted.
func (r *Registry) Names() []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.Sorted(maps.Keys(r.specs))
}
