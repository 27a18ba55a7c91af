package temporaldriver

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"

	"github.com/graphrun/graphrun/graph/machine"
)

// A lock is a pool with one slot, whose name follows from the text. A task takes its lock before
// its slot, and has it while an attempt of it runs; one that runs a graph has it while the graph's
// stack runs.

// lockOf is the pool of a lock; "" for none. A lock that a task around this stack has counts as
// taken by the tasks of the stack; among them it is another one, which is that task's.
func (s *stack) lockOf(text string) string {
	if text == "" {
		return ""
	}
	hash := digest(text)
	if p := s.in.Parent; p != nil && p.Locks[hash] != "" {
		hash = p.Locks[hash]
	}
	return lockPrefix + hash[:1] + "/" + hash
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}

// locksWithin are the locks that a task and those around it have, for the stacks that do its work:
// by hash of the text, the hash that replaces it there.
func (s *stack) locksWithin(task *machine.Task) map[string]string {
	var above map[string]string
	if s.in.Parent != nil {
		above = s.in.Parent.Locks
	}
	if task.Lock == "" {
		return above
	}
	locks := maps.Clone(above)
	if locks == nil {
		locks = map[string]string{}
	}
	k := &task.Key
	locks[digest(task.Lock)] = digest(fmt.Sprintf("%s\x00%s\x00%d\x00%d\x00%s\x00%s", task.Lock, s.name, k.Cycle, k.Wave, k.Node, k.Item))
	return locks
}

// keepsLock reports whether a task has its lock already: its graph runs.
func (s *stack) keepsLock(task *machine.Task, lock string) bool {
	if task.Child == nil {
		return false
	}
	k := s.kids[task.Child.ID]
	return k != nil && k.Running && k.Lock == lock
}

// hasLock reports whether a task may take its lock now. reserved are locks that tasks before it
// have, which wait for their slots.
func (t *thinking) hasLock(task *machine.Task, lock string, reserved map[string]int) bool {
	return lock == "" || t.s.keepsLock(task, lock) || t.using[lock]+reserved[lock] < t.s.slots(lock)
}
