package paritytest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/internal/late"
)

// writing writes a stack in lines, which are the same where it is, and leaves out what Diff says.
type writing struct {
	graphs map[string]bool     // nodes that run a graph
	waits  map[attemptName]int // lines that say that an attempt waits
	begun  []string
	steps  []string
	used   map[string]*usage
	waves  map[uint64]map[uint64]string // when they began, by cycle
	runs   uint64                       // of the stacks of graphs, told in the open cycle
	out    []string
}

type attemptName struct {
	wave       uint64
	node, item string
}

type usage struct {
	runs   uint64
	tokens int64
	cost   float64
}

func (o *Outcome) lines(stack string) []string {
	l := o.Lives[stack]
	if l == nil {
		return nil
	}
	w := writing{graphs: o.graphs(l), waits: map[attemptName]int{}, waves: map[uint64]map[uint64]string{}, used: map[string]*usage{}}
	w.out = l.gaps()
	for _, r := range l.Records {
		w.record(r)
	}
	sortEnds(w.out)
	slices.Sort(w.begun)
	slices.SortStableFunc(w.steps, func(a, b string) int { return strings.Compare(attemptOf(a), attemptOf(b)) })
	w.out = slices.Concat(w.out, w.begun, w.steps)
	for _, name := range slices.Sorted(maps.Keys(w.used)) {
		u := w.used[name]
		w.out = append(w.out, fmt.Sprintf("%s: %d nodes, %d tokens, %g", name, u.runs, u.tokens, u.cost))
	}
	at := l.Cursor
	at.Clean = false
	cursor, err := json.Marshal(at)
	if err != nil {
		panic(err) // numbers and texts
	}
	w.out = append(w.out, "cursor "+plain(cursor))
	for _, key := range slices.Sorted(maps.Keys(l.State)) {
		w.out = append(w.out, fmt.Sprintf("state %s = %s", key, own(key, l.State[key])))
	}
	return w.out
}

// record writes a record.
func (w *writing) record(r journal.Record) {
	at := r.Time.Format(time.RFC3339Nano)
	switch b := r.Body.(type) {
	case *journal.CycleStarted:
		w.runs = 0
		w.waves[r.Cycle] = map[uint64]string{}
	case *journal.WaveStarted:
		w.waves[r.Cycle][b.Wave] = at
	case *journal.CycleFinished:
		c := *b
		c.NodeRuns -= int(w.runs)
		r.Body = &c
	case *journal.TaskStarted:
		w.begun = append(w.begun, fmt.Sprintf("%s %s[%s] #%d begins", at, b.Node, b.Item, b.Attempt))
		return
	case *journal.TaskStep:
		c := *b
		c.Began = began(&r, b.Began)
		w.steps = append(w.steps, plain(journal.AppendRecord(nil, journal.Record{Stack: r.Stack, Body: &c}, true)))
		return
	case *journal.TaskWaiting:
		w.waits[attemptName{b.Wave, b.Node, b.Item}] = len(w.out)
	case *journal.TaskHeld:
		if i, ok := w.waits[attemptName{b.Wave, b.Node, b.Item}]; ok {
			w.out[i] += " held at " + at
			return
		}
	case *journal.TaskUsed:
		if w.graphs[b.Node] {
			w.uses(&r, usage{b.NodeRuns, b.Tokens, b.Cost})
			return
		}
	case *journal.TaskFinished:
		if b.Error != nil && b.Error.Kind == "cancelled" {
			begins := fmt.Sprintf("%s %s[%s] #%d begins", at, b.Node, b.Item, b.Attempt)
			if i := slices.Index(w.begun, begins); i >= 0 {
				w.begun = slices.Delete(w.begun, i, i+1)
				return
			}
			if b.Attempt == 0 && w.waves[began(&r, b.Began)][b.Wave] == at {
				return
			}
		}
		if w.graphs[b.Node] {
			w.uses(&r, usage{b.NodeRuns, b.Tokens, b.Cost})
			c := *b
			c.NodeRuns, c.Tokens, c.Cost = 0, 0, 0
			r.Body = &c
		}
	}
	w.out = append(w.out, plain(journal.AppendRecord(nil, r, true)))
}

// uses counts what the stack of a graph has used.
func (w *writing) uses(r *journal.Record, u usage) {
	var name string
	switch b := r.Body.(type) {
	case *journal.TaskUsed:
		name = fmt.Sprintf("%s[%s] %d.%d", b.Node, b.Item, began(r, b.Began), b.Wave)
	case *journal.TaskFinished:
		name = fmt.Sprintf("%s[%s] %d.%d", b.Node, b.Item, began(r, b.Began), b.Wave)
	}
	name = "used by the graph of " + name
	sum := w.used[name]
	if sum == nil {
		sum = &usage{}
		w.used[name] = sum
	}
	sum.runs += u.runs
	sum.tokens += u.tokens
	sum.cost += u.cost
	w.runs += u.runs
}

func began(r *journal.Record, cycle uint64) uint64 {
	if cycle == 0 {
		return r.Cycle
	}
	return cycle
}

// graphs are the nodes of a stack whose graphs have begun.
func (o *Outcome) graphs(l *Life) map[string]bool {
	is := map[string]bool{}
	for _, kid := range o.Lives { // in any order: a set
		task, found := strings.CutPrefix(kid.Identity.Parent, l.Identity.Stack+"."+l.Identity.Nonce+"/")
		if parts := strings.SplitN(task, "/", 4); found && len(parts) == 4 {
			is[parts[2]] = true
		}
	}
	return is
}

// numbers are those of records.
var numbers = late.Regexp(`"(seq|cycle_seq)":\d+,?`)

func plain(b []byte) string { return numbers().ReplaceAllString(string(b), "") }

// received are the numbers of the records of events in a queue.
var received = late.Regexp(`\[\d+,`)

// own is a value of the state. The lists of the machine hold numbers of records, and the records
// of tasks in the background.
func own(key string, v any) string {
	if strings.HasPrefix(key, "$queue.") {
		return received().ReplaceAllString(value.String(v), "[")
	}
	list, _ := v.([]any)
	if !strings.HasPrefix(key, "$task.") {
		return value.String(v)
	}
	var kept, steps []any
	for _, e := range list {
		r, _ := e.(map[string]any)
		r = maps.Clone(r)
		delete(r, "seq")
		switch r["type"] {
		case "task.started", "task.held":
			delete(r, "cycle")
			delete(r, "began")
		case "task.used":
			continue
		case "task.step", "task.mark":
			delete(r, "cycle")
			delete(r, "time")
			steps = append(steps, r)
			continue
		}
		kept = append(kept, r)
	}
	slices.SortStableFunc(steps, func(a, b any) int {
		return strings.Compare(attemptOf(value.String(a)), attemptOf(value.String(b)))
	})
	return value.String(append(kept, steps...))
}

// attempts are the parts of a record that name an attempt.
var attempts = late.Regexp(`"(began|wave|node|item|attempt)":("(\\.|[^"\\])*"|\d+)`)

// attemptOf is the name of the attempt in the text of a record.
func attemptOf(text string) string { return strings.Join(attempts().FindAllString(text, 5), " ") }

// gaps lists what is wrong with the numbers of records.
func (l *Life) gaps() (out []string) {
	cycle := uint64(0)
	for i, r := range l.Records {
		if r.Seq != uint64(i+1) {
			out = append(out, fmt.Sprintf("record %d has the number %d", i+1, r.Seq))
			break
		}
		if _, ok := r.Body.(*journal.CycleStarted); ok {
			cycle = r.Seq
		}
	}
	if n := uint64(len(l.Records)); l.Cursor.Seq != n || l.Cursor.CycleSeq != cycle {
		out = append(out, fmt.Sprintf("the cursor says that record %d is the last, and that %d began the cycle, and not %d and %d", l.Cursor.Seq, l.Cursor.CycleSeq, n, cycle))
	}
	return out
}

// sortEnds sorts the ends of attempts that follow each other at the same time, and where they begin
// to wait.
func sortEnds(lines []string) {
	begin, last := 0, ""
	for i := range lines {
		now := ""
		if m := end().FindStringSubmatch(lines[i]); m != nil {
			now = m[1]
		}
		if now == "" || now != last {
			slices.Sort(lines[begin:i])
			begin, last = i, now
		}
	}
	if last != "" {
		slices.Sort(lines[begin:])
	}
}

// end is that of an attempt, or where it begins to wait, with its time.
var end = late.Regexp(`^\{"time":"([^"]+","type":"task.(?:finished|waiting))"`)
