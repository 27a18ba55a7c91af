package memstore

import (
	"slices"
	"sort"

	"github.com/graphrun/graphrun/graph/machine"
)

// journal is the records of a stack, by commit, and without gaps between them.
type journal [][]machine.Record

func (j *journal) add(records []machine.Record) {
	if len(records) > 0 {
		*j = append(*j, records)
	}
}

// drop lets go of whole commits before seq, but not of the last.
func (j *journal) drop(seq uint64) {
	for len(*j) > 1 && (*j)[1][0].Seq <= seq {
		(*j)[0] = nil
		*j = (*j)[1:]
	}
}

// from is a copy of the records from seq on; nil when there are none.
func (j journal) from(seq uint64) []machine.Record {
	first := sort.Search(len(j), func(i int) bool { return j[i][len(j[i])-1].Seq >= seq })
	list := slices.Concat(j[first:]...)
	if len(list) > 0 && list[0].Seq < seq {
		list = list[seq-list[0].Seq:]
	}
	return list
}
