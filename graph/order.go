package graph

import (
	"container/heap"
	"slices"
)

// topological orders 0..len(before)-1 so that each comes after all of
// before[i]; among those that may come next, the lowest. Members of loops, and
// everything after them, are left out.
func topological(before [][]int) []int {
	n := len(before)
	after, missing := reversed(before), make([]int, n)
	ready := &lowest{}
	for i, b := range before {
		missing[i] = len(b)
		if len(b) == 0 {
			*ready = append(*ready, i)
		}
	}
	order := make([]int, 0, n)
	for ready.Len() > 0 {
		i := heap.Pop(ready).(int)
		order = append(order, i)
		for _, j := range after[i] {
			if missing[j]--; missing[j] == 0 {
				heap.Push(ready, j)
			}
		}
	}
	return order
}

// reversed turns every arrow around.
func reversed(next [][]int) [][]int {
	out := make([][]int, len(next))
	for i, to := range next {
		for _, j := range to {
			out[j] = append(out[j], i)
		}
	}
	return out
}

// lowest is a heap of indices.
type lowest []int

func (h lowest) Len() int           { return len(h) }
func (h lowest) Less(i, j int) bool { return h[i] < h[j] }
func (h lowest) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *lowest) Push(x any)        { *h = append(*h, x.(int)) }
func (h *lowest) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}

// findLoops returns the strongly connected components with a loop, each
// ascending, ordered by their lowest member (Tarjan, without recursion: a chain
// may be long).
func findLoops(next [][]int) [][]int {
	n := len(next)
	var (
		loops   [][]int
		stack   []int
		onStack = make([]bool, n)
		low     = make([]int, n)
		number  = make([]int, n) // order of the first visit, from 1
		visited = 0
	)
	type frame struct{ node, edge int }
	for root := range n {
		if number[root] != 0 {
			continue
		}
		frames := []frame{{root, 0}}
		for len(frames) > 0 {
			f := &frames[len(frames)-1]
			v := f.node
			if f.edge == 0 {
				visited++
				number[v], low[v] = visited, visited
				stack, onStack[v] = append(stack, v), true
			}
			if f.edge < len(next[v]) {
				w := next[v][f.edge]
				f.edge++
				if number[w] == 0 {
					frames = append(frames, frame{w, 0})
				} else if onStack[w] {
					low[v] = min(low[v], number[w])
				}
				continue
			}
			frames = frames[:len(frames)-1]
			if len(frames) > 0 {
				up := frames[len(frames)-1].node
				low[up] = min(low[up], low[v])
			}
			if low[v] != number[v] {
				continue
			}
			at := len(stack) - 1
			for stack[at] != v {
				at--
			}
			part := slices.Clone(stack[at:])
			for _, w := range part {
				onStack[w] = false
			}
			stack = stack[:at]
			if len(part) > 1 || slices.Contains(next[v], v) {
				slices.Sort(part)
				loops = append(loops, part)
			}
		}
	}
	slices.SortFunc(loops, func(a, b []int) int { return a[0] - b[0] })
	return loops
}

// loopPath returns a shortest path from a node back to itself within one component.
// The node is at both ends.
func loopPath(from int, within []int, next [][]int) []int {
	came := make(map[int]int, len(within))
	queue := []int{from}
	for len(queue) > 0 {
		v := queue[0]
		queue = queue[1:]
		for _, w := range next[v] {
			if w == from {
				path := []int{from}
				for ; v != from; v = came[v] {
					path = append(path, v)
				}
				path = append(path, from)
				slices.Reverse(path)
				return path
			}
			if _, seen := came[w]; seen {
				continue
			}
			if _, inside := slices.BinarySearch(within, w); inside {
				came[w] = v
				queue = append(queue, w)
			}
		}
	}
	return []int{from, from}
}
