package inspect

import (
	"slices"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

// adopt reads the definition that the records after it are of.
func (r *historyReader) adopt(hash string) (err error) {
	if r.hash != hash {
		r.hash = hash
		r.under, err = r.graph(hash)
	}
	return err
}

// changed joins keys, in the order of their declaration.
func (r *historyReader) changed(all, more []string) []string {
	for _, key := range more {
		if !slices.Contains(all, key) {
			all = append(all, key)
		}
	}
	slices.SortStableFunc(all, func(a, b string) int { return r.keyIndex(a) - r.keyIndex(b) })
	return all
}

func (r *historyReader) keyIndex(key string) int {
	return slices.IndexFunc(r.under.Keys, func(k graph.Key) bool { return k.Name == key })
}

// write says who wrote a key in a commit.
func (r *historyReader) write(b *journal.WaveCommitted, key string) Write {
	if len(b.Writers) == 0 {
		return r.mayHaveWritten(b, key)
	}
	out := Write{Key: key, Nodes: []string{}}
	add := func(all *[]string, name string) {
		if name != "" && !slices.Contains(*all, name) {
			*all = append(*all, name)
		}
	}
	for _, w := range b.Writers {
		if w.Key == key {
			add(&out.Nodes, w.Node)
			add(&out.Nodes, w.Answer)
			add(&out.Events, w.Event)
		}
	}
	return out
}

// mayHaveWritten is write for a record of 0.1.0, which does not say it: all nodes that
// succeeded and can write the key, and all events that go to it.
func (r *historyReader) mayHaveWritten(b *journal.WaveCommitted, key string) Write {
	out := Write{Key: key, Nodes: []string{}}
	for i := range r.under.Nodes {
		n := &r.under.Nodes[i]
		writes := slices.ContainsFunc(n.Writes, func(w graph.Write) bool { return r.under.Keys[w.Key].Name == key })
		if writes && slices.ContainsFunc(b.Settled, func(s journal.Settled) bool { return s.Node == n.ID && s.Status == "succeeded" }) {
			out.Nodes = append(out.Nodes, n.ID)
		}
	}
	for _, name := range r.open().Events {
		i, ok := r.under.EventByName(name)
		if b.Wave == 0 && ok && r.under.Events[i].Key >= 0 && r.under.Keys[r.under.Events[i].Key].Name == key && !slices.Contains(out.Events, name) {
			out.Events = append(out.Events, name)
		}
	}
	return out
}
