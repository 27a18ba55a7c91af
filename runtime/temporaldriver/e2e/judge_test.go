package e2e

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
)

// end is how a stack ended.
type end struct {
	nonce  string
	status journal.Status
	state  map[string]any
}

// evidence is what a run left behind: how its stacks ended, and what their work noted outside.
type evidence struct {
	ends   map[string]end
	ledger []entry
}

// verdict counts faults (there must be none), and what must happen.
type verdict struct {
	missing int // tasks that never ran
	foreign int // keys that the embedded engine does not have, or of another life of the stack
	twice   int // results that were applied twice
	lost    int // results that were not applied
	states  int // states that differ from those of the embedded engine
	same    int // attempts that ran twice under the same number

	tasks, runs, again, cut int
	what                    []string // of the first faults
}

func (v *verdict) faults() int {
	return v.missing + v.foreign + v.twice + v.lost + v.states + v.same
}

func (v *verdict) fault(count *int, format string, args ...any) {
	if *count++; len(v.what) < 10 {
		v.what = append(v.what, fmt.Sprintf(format, args...))
	}
}

func (v *verdict) String() string {
	return fmt.Sprintf("tasks that never ran %d, unknown keys %d, results applied twice %d, results lost %d, wrong states %d, attempts with the same number %d; "+
		"%d tasks, %d attempts, %d of them under the key of one before that was cut off, %d cut off%s",
		v.missing, v.foreign, v.twice, v.lost, v.states, v.same, v.tasks, v.runs, v.again, v.cut, strings.Join(append([]string{""}, v.what...), "\n\t"))
}

// judge compares a run with one that nobody disturbed. Each task adds its key to the list `log`
// of its stack, so a key that is there twice is a result that was applied twice.
func judge(calm, got *evidence) *verdict {
	v := &verdict{}
	want := calm.tasks()
	began := got.tasks()
	for name, wanted := range calm.ends {
		is, ok := got.ends[name]
		if !ok {
			v.fault(&v.states, "%s has not ended", name)
			continue
		}
		applied := map[string]int{}
		for _, key := range list(is.state["log"]) {
			applied[key]++
		}
		for _, task := range slices.Sorted(maps.Keys(want[name])) {
			key := keyOf(name, is.nonce, task)
			v.tasks++
			if began[name][task] == nil {
				v.fault(&v.missing, "%s never ran", key)
			}
			switch n := applied[key]; {
			case n == 0:
				v.fault(&v.lost, "%s was not applied", key)
			case n > 1:
				v.fault(&v.twice, "%s was applied %d times", key, n)
			}
		}
		for _, task := range slices.Sorted(maps.Keys(began[name])) {
			t := began[name][task]
			if want[name][task] == nil || len(t.nonces) != 1 || !t.nonces[is.nonce] {
				v.fault(&v.foreign, "%s/%s: nobody else has such a key", name, task)
			}
			for n, times := range t.attempts {
				if times > 1 {
					v.fault(&v.same, "%s/%s: attempt %d ran %d times", name, task, n, times)
				}
			}
			v.runs += t.begun
			v.cut += t.begun - t.over
			v.again += max(0, t.begun-1-t.failed)
		}
		if a, b := plain(wanted), plain(is); a != b {
			v.fault(&v.states, "%s ended as\n\t\t%s\n\tand not as\n\t\t%s", name, b, a)
		}
	}
	for name := range began {
		if _, ok := calm.ends[name]; !ok {
			v.fault(&v.foreign, "%s: there is no such stack", name)
		}
	}
	return v
}

// noted is what a ledger says of one task.
type noted struct {
	begun, failed, over int
	attempts            map[int]int // how often each began
	nonces              map[string]bool
}

// tasks are the tasks of a ledger, by stack and by what follows the nonce in the key.
func (e *evidence) tasks() map[string]map[string]*noted {
	all := map[string]map[string]*noted{}
	for _, n := range e.ledger {
		nonce, task := splitKey(n.stack, n.key)
		if all[n.stack] == nil {
			all[n.stack] = map[string]*noted{}
		}
		t := all[n.stack][task]
		if t == nil {
			t = &noted{attempts: map[int]int{}, nonces: map[string]bool{}}
			all[n.stack][task] = t
		}
		t.nonces[nonce] = true
		switch n.what {
		case began:
			t.begun++
			t.attempts[n.attempt]++
		case failed:
			t.failed++
			t.over++
		case ended:
			t.over++
		}
	}
	return all
}

// A key is STACK.NONCE/CYCLE/WAVE/NODE/ITEM; without elements the item is empty.
func keyOf(stack, nonce, task string) string { return stack + "." + nonce + "/" + task }

// splitKey takes a key apart. What is no key of the stack gives no nonce.
func splitKey(stack, key string) (nonce, task string) {
	rest, ok := strings.CutPrefix(key, stack+".")
	nonce, task, is := strings.Cut(rest, "/")
	if !ok || !is || !wholeTask.MatchString(task) {
		return "", key
	}
	return nonce, task
}

var wholeTask = regexp.MustCompile(`^\d+/\d+/\w+/\w*$`)

// plain is how a stack ended without what differs from run to run: the nonce, and the order in
// which the tasks of a wave ended.
func plain(e end) string {
	state := map[string]any{}
	for name, v := range e.state { // in any order: a copy
		state[name] = v
	}
	keys := list(e.state["log"])
	sorted := make([]any, 0, len(keys))
	slices.Sort(keys)
	for _, k := range keys {
		sorted = append(sorted, strings.Replace(k, "."+e.nonce+"/", ".N/", 1))
	}
	state["log"] = sorted
	return string(e.status) + " " + value.String(state)
}

func list(v any) (all []string) {
	l, _ := v.([]any)
	for _, e := range l {
		s, _ := e.(string)
		all = append(all, s)
	}
	return all
}
