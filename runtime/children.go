package runtime

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

var stackID = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)

// childID is the id of a task's child: PARENT.NODE.CYCLE.WAVE, followed by a hash for
// an element of a for_each. Where that is too long, it is only a hash.
func childID(parent string, k journal.TaskKey) string {
	id := fmt.Sprintf("%s.%s.%d.%d", parent, k.Node, k.Cycle, k.Wave)
	if k.Item != "" {
		id += "." + shortHash(k.Item)
	}
	if !stackID.MatchString(id) {
		id = "inner." + shortHash(id)
	}
	return id
}

func shortHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:8])
}

// children are the children of tasks that are over, until their wave is committed.
type children struct {
	done []childOf
	free []string // may be removed
}

type childOf struct{ node, id string }

// take adds what some records say.
func (c *children) take(id journal.Identity, g *graph.Graph, records []journal.Record) {
	for i := range records {
		switch b := records[i].Body.(type) {
		case *journal.TaskFinished:
			if n, ok := g.NodeByID(b.Node); ok && g.Nodes[n].Kind.Runs {
				key, _ := records[i].Task()
				if child := (childOf{b.Node, childID(id.Stack, key)}); !slices.Contains(c.done, child) {
					c.done = append(c.done, child)
				}
			}
		case *journal.WaveCommitted:
			for _, s := range b.Settled {
				if s.Status != "waiting" { // in the background it has only begun
					c.settled(s.Node)
				}
			}
		case *journal.StackFinished:
			for _, d := range c.done {
				c.free = append(c.free, d.id)
			}
			c.done = nil
		}
	}
}

func (c *children) settled(node string) {
	c.done = slices.DeleteFunc(c.done, func(d childOf) bool {
		if d.node == node {
			c.free = append(c.free, d.id)
		}
		return d.node == node
	})
}

// childrenIn lists the ids of the children that the tasks of some records may have.
func childrenIn(stack string, records []journal.Record) (ids []string) {
	for i := range records {
		if _, ok := records[i].Body.(*journal.TaskStarted); ok {
			key, _ := records[i].Task()
			ids = append(ids, childID(stack, key))
		}
	}
	return ids
}
