package trial

import (
	"fmt"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/sim"
)

// pack hands out the replies of a test.
type pack struct {
	by    map[string]*Replies // by place
	next  map[string]int      // of a list: how many are used
	given map[string]*Reply   // to the last attempt of a task
}

func newPack(all []Replies) *pack {
	p := &pack{by: map[string]*Replies{}, next: map[string]int{}, given: map[string]*Reply{}}
	for i := range all {
		place, err := journal.ParsePlace(all[i].For.Value)
		if err == nil {
			p.by[place.String()] = &all[i]
		}
	}
	return p
}

// has reports whether there are replies for a place.
func (p *pack) has(at journal.Place) bool { return len(p.by) > 0 && p.find(at) != "" }

// find is under which place the replies for a task stand: its own, else the same without
// the keys of elements, from the inside to the outside; "" if there are none.
func (p *pack) find(at journal.Place) string {
	full := at.String()
	if p.by[full] != nil {
		return full
	}
	at = append(journal.Place(nil), at...)
	for i := len(at) - 1; i >= 0; i-- {
		if at[i].Item == "" {
			continue
		}
		at[i].Item = ""
		if name := at.String(); p.by[name] != nil {
			return name
		}
	}
	return ""
}

// take is the reply for an attempt. One that repeats what a crash cut off gets the reply of
// that one.
func (p *pack) take(at journal.Place, t machine.Task) (*Reply, bool) {
	name := p.find(at)
	if name == "" {
		return nil, false
	}
	task := fmt.Sprintf("%s %d.%d", at, t.Key.Cycle, t.Key.Wave)
	if before := p.given[task]; before != nil && t.Rerun {
		return before, true
	}
	list, i := p.by[name], 0
	if list.List {
		if i = p.next[name]; i >= len(list.All) {
			return nil, false
		}
		p.next[name]++
	}
	p.given[task] = &list.All[i]
	return &list.All[i], true
}

// reply is what an attempt of a task comes to.
func (r *run) reply(s *sim.Sim, at journal.Place, t machine.Task) sim.Result {
	here := within(at, t.Key)
	one, ok := r.pack.take(here, t)
	if ok {
		out := one.result()
		if s.Machine().Graph().Nodes[t.Node].Kind.Talks && out.Failure == nil {
			out.Talk = one.talk()
		}
		return out
	}
	if r.o.Work != nil {
		if res, ok := r.o.Work(s.Machine().Graph(), s.Machine().Identity(), t); ok {
			return res
		}
	}
	why := ""
	if name := r.pack.find(here); name != "" {
		why = fmt.Sprintf(": those of %q are used up after %d", name, len(r.pack.by[name].All))
	}
	cycle := t.Key.Cycle
	if len(at) > 0 && r.last != nil {
		cycle = r.last.number
	}
	r.stop(r.step, "%s runs without a reply in cycle %d%s", here, cycle, why)
	return sim.Result{Failure: &journal.Failure{Kind: "error", Permanent: true, Message: "no reply"}}
}

// talk is what an agent gives besides its output.
func (r *Reply) talk() *journal.Talk {
	t := &journal.Talk{Messages: []any{}, Usage: r.Usage.value()}
	if r.Messages != nil {
		t.Messages = r.Messages.Value()
	}
	return t
}

func (r *Reply) result() sim.Result {
	out := sim.Result{Takes: r.After, Tokens: r.Usage.Tokens, Cost: r.Usage.Cost}
	f := r.Error
	if f == nil {
		out.Output = r.Output.Value()
		return out
	}
	kind := f.Kind.Value
	if kind == "" {
		kind = "error"
	}
	message := f.Message
	if message == "" {
		message = "failed"
	}
	out.Failure = &journal.Failure{Kind: kind, Message: message, Code: f.Code, Output: f.Output, Permanent: f.Permanent}
	return out
}
