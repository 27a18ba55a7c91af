package memstore

import (
	"slices"
	"sort"

	"github.com/graphrun/graphrun/graph/journal"
)

// history is the records of a stack, by commit, and without gaps between them. Rounds stay
// rounds until they are read: decisions are shared between cycles.
type history [][]journal.Record

func (j *history) add(records []journal.Record) {
	if len(records) > 0 {
		*j = append(*j, records)
	}
}

// drop lets go of whole commits before seq, but not of the last.
func (j *history) drop(seq uint64) {
	for len(*j) > 1 && (*j)[1][0].Seq <= seq {
		(*j)[0] = nil
		*j = (*j)[1:]
	}
}

// from is a copy of the records from seq on, one by one; nil when there are none.
func (j history) from(seq uint64) []journal.Record {
	first := sort.Search(len(j), func(i int) bool { return j[i][len(j[i])-1].Last() >= seq })
	list := journal.Singles(slices.Concat(j[first:]...))
	if len(list) > 0 && list[0].Seq < seq {
		list = list[seq-list[0].Seq:]
	}
	return list
}

// wanted is a copy of the records that want names, but for their types.
func (j history) wanted(w journal.Want, first uint64) []journal.Record {
	list := j.from(max(w.From, first))
	if n := len(list); w.To > 0 && n > 0 && list[n-1].Seq > w.To {
		list = list[:max(int(w.To)-int(list[0].Seq)+1, 0)]
	}
	if w.Last > 0 {
		cycles := journal.Cycles{Left: w.Last}
		for i := len(list) - 1; i >= 0; i-- {
			if cycles.Before(list[i].Body.Type()) {
				return list[i+1:]
			}
		}
	}
	return list
}
