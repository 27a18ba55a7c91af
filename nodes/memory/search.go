package memory

import (
	"cmp"
	"math"
	"slices"

	"github.com/graphrun/graphrun/nodes"
)

// The constants of the rankings; see the package's comment.
const (
	k1   = 1.2
	b    = 0.75
	rrfK = 60
)

// query is what a search looks for.
type query struct {
	words  []string  // each once
	vector []float32 // nil searches by words alone
	limit  int
	where  func(data any) (bool, error) // nil holds always
}

// hit is an item that was found.
type hit struct {
	item  int32
	score float64
}

// search returns the items that fit best, the best first. Call it with mu held for
// reading. Errors are those of where.
func (x *index) search(q *query) ([]hit, error) {
	holds := x.filter(q.where)
	byWords := x.byWords(q.words)
	var byVector []hit
	if len(q.vector) == x.dims && x.n > 0 {
		byVector = make([]hit, 0, x.n)
		x.cosines(q.vector, func(item int32, c float32) {
			if !x.items[item].gone {
				byVector = append(byVector, hit{item, float64(c)})
			}
		})
	}
	for _, list := range []*[]hit{&byWords, &byVector} {
		if err := x.rank(list, holds); err != nil {
			return nil, err
		}
	}
	if q.vector == nil {
		return byWords[:min(len(byWords), q.limit)], nil
	}
	return x.join(byWords, byVector, q.limit), nil
}

// byWords scores the items that have any of the words.
func (x *index) byWords(words []string) []hit {
	n := float64(len(x.ids))
	mean := float64(x.words) / max(n, 1)
	scores := make([]float64, len(x.items))
	var hits []hit
	for _, w := range words {
		known := x.terms[w]
		if known == nil {
			continue
		}
		has := 0.0
		for _, p := range known.list {
			if !x.items[p.item].gone {
				has++
			}
		}
		idf := math.Log(1 + (n-has+0.5)/(has+0.5))
		for _, p := range known.list {
			it := &x.items[p.item]
			if it.gone {
				continue
			}
			if scores[p.item] == 0 { // the score of a word is never 0
				hits = append(hits, hit{item: p.item})
			}
			times := float64(p.times)
			scores[p.item] += idf * times * (k1 + 1) / (times + k1*(1-b+b*float64(it.words)/max(mean, 1)))
		}
	}
	for i := range hits {
		hits[i].score = scores[hits[i].item]
	}
	return hits
}

// filter asks where once for each item that is a candidate.
func (x *index) filter(where func(any) (bool, error)) func(int32) (bool, error) {
	if where == nil {
		return func(int32) (bool, error) { return true, nil }
	}
	known := map[int32]bool{}
	return func(n int32) (bool, error) {
		holds, asked := known[n]
		if asked {
			return holds, nil
		}
		holds, err := where(x.items[n].data)
		if err != nil {
			return false, nodes.Errorf("error", "where, of item %q: %v", x.items[n].id, err)
		}
		known[n] = holds
		return holds, nil
	}
}

// rank leaves the items for which where holds, the best first.
func (x *index) rank(list *[]hit, holds func(int32) (bool, error)) error {
	out := (*list)[:0]
	for _, h := range *list {
		ok, err := holds(h.item)
		if err != nil {
			return err
		}
		if ok {
			out = append(out, h)
		}
	}
	x.sort(out)
	*list = out
	return nil
}

func (x *index) sort(list []hit) {
	slices.SortFunc(list, func(p, q hit) int {
		if c := cmp.Compare(q.score, p.score); c != 0 {
			return c
		}
		return cmp.Compare(q.item, p.item) // items are in the order in which they were written
	})
}

// join is reciprocal rank fusion.
func (x *index) join(byWords, byVector []hit, limit int) []hit {
	sums := make(map[int32]float64, len(byWords)+limit)
	for rank, h := range byWords {
		sums[h.item] = 1 / float64(rrfK+rank+1)
	}
	// An item without a word has the rank of its vector alone: only the first of them
	// can be among the best.
	others := 0
	for rank, h := range byVector {
		sum, has := sums[h.item]
		if !has {
			if others++; others > limit {
				continue
			}
		}
		sums[h.item] = sum + 1/float64(rrfK+rank+1)
	}
	out := make([]hit, 0, len(sums))
	for item, s := range sums { // in any order: they are sorted
		out = append(out, hit{item, s})
	}
	x.sort(out)
	return out[:min(len(out), limit)]
}
