package machine

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
)

// keptResults is how many results of a node a stack keeps for use again.
const keptResults = 1000

// cache is the results of a node that may be used again, the newest last.
type cache struct {
	*sidecar
	byKey map[string]kept
}

type kept struct {
	output   any
	messages any // of an agent
	at       time.Time
}

func (m *Machine) cacheOf(node string) *cache {
	c := m.caches[node]
	if c == nil {
		c = &cache{restored(journal.SidecarMark+"cache."+node, nil), map[string]kept{}}
		m.caches[node] = c
	}
	return c
}

func restoredCache(node string, stored any) *cache {
	c := &cache{restored(journal.SidecarMark+"cache."+node, stored), map[string]kept{}}
	for _, e := range c.list {
		e, _ := e.(map[string]any)
		key, _ := e["key"].(string)
		text, _ := e["at"].(string)
		at, _ := time.Parse(time.RFC3339Nano, text)
		c.byKey[key] = kept{e["output"], e["messages"], at}
	}
	return c
}

// cacheKey is what a task's result is kept under, as JSON text; "" for a key
// that is null: the result is not kept.
func (m *Machine) cacheKey(n *graph.Node, env *cond.Env) (string, *journal.Failure) {
	v, err := n.Cache.Key.Eval(env)
	switch {
	case err != nil:
		return "", m.maskFailure(*failureOf(err))
	case v == nil:
		return "", nil
	}
	return value.String(m.mask([]any{v})), nil
}

// keptUnder is the key that a task's result is kept under. The attempt may have begun before the
// machine was made again.
func (m *Machine) keptUnder(t *task, r *run) string {
	n := &m.g.Nodes[r.node]
	if t.ready || n.Cache == nil {
		return t.cacheKey
	}
	defer m.seeTask(t, r, n).done()
	key, _ := m.cacheKey(n, r.w.env) // it had none if this fails
	return key
}

// reuse ends a task with a result of an earlier run, when there is one.
func (m *Machine) reuse(t *task, r *run) bool {
	n := &m.g.Nodes[r.node]
	if t.cacheKey == "" {
		return false
	}
	old, ok := m.cacheOf(n.ID).byKey[t.cacheKey]
	if !ok || n.Cache.TTL > 0 && !m.at.Before(old.at.Add(n.Cache.TTL)) {
		return false
	}
	body := m.finished(t, r)
	body.Status, body.Output, body.Cached = succeeded.String(), old.output, true
	if n.Kind.Talks { // it used nothing this time
		body.Talk = &journal.Talk{Messages: old.messages}
	}
	if n.ForEach == nil && r.w.sidecar == nil {
		body.Error = m.tryWrites(r, gave{output: body.Output, talk: body.Talk})
	}
	m.finish(t, r, body)
	return true
}

// applyCached keeps a result.
func (m *Machine) applyCached(b *journal.TaskFinished, at time.Time) {
	if b.CacheKey == "" || m.restoring {
		return
	}
	c := m.cacheOf(b.Node)
	e := map[string]any{"key": b.CacheKey, "output": b.Output, "at": at.UTC().Format(time.RFC3339Nano)}
	result := kept{output: b.Output, at: at}
	if b.Talk != nil {
		result.messages = b.Talk.Messages
		e["messages"] = result.messages
	}
	if gone, ok := m.put(c.sidecar, e, keptResults).(map[string]any); ok {
		c.forget(gone)
	}
	c.byKey[b.CacheKey] = result
}

// forget drops an entry, unless a newer one has its key.
func (c *cache) forget(e map[string]any) {
	key, _ := e["key"].(string)
	text, _ := e["at"].(string)
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil && c.byKey[key].at.Equal(at) {
		delete(c.byKey, key)
	}
}

// dropCaches forgets the results of nodes that a changed graph defines otherwise.
func (m *Machine) dropCaches(g *graph.Graph) {
	same := map[string]bool{}
	for i := range g.Nodes {
		is := &g.Nodes[i]
		if k, ok := m.plan.index[is.ID]; ok {
			a, _ := json.Marshal(m.g.Nodes[k].Def)
			b, _ := json.Marshal(is.Def)
			same[is.ID] = bytes.Equal(a, b)
		}
	}
	for i := range m.g.Nodes {
		id := m.g.Nodes[i].ID
		if c := m.caches[id]; c != nil && !same[id] {
			m.empty(c.sidecar)
			clear(c.byKey)
		}
	}
}
