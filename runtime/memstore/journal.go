package memstore

import "github.com/graphrun/graphrun/graph/machine"

// chunkSize is how many records share one piece of memory.
const chunkSize = 256

// journal is the records of a stack, 1, 2, 3, …, in chunks: adding never moves
// those that are there, so its cost does not grow with the history.
type journal [][]machine.Record

func (j *journal) add(records []machine.Record) {
	for len(records) > 0 {
		last := len(*j) - 1
		if last < 0 || len((*j)[last]) == chunkSize {
			*j = append(*j, make([]machine.Record, 0, chunkSize))
			last++
		}
		n := min(len(records), chunkSize-len((*j)[last]))
		(*j)[last] = append((*j)[last], records[:n]...)
		records = records[n:]
	}
}

// from is a copy of the records from seq on; nil when there are none.
func (j journal) from(seq uint64) []machine.Record {
	at := max(seq, 1) - 1
	if at/chunkSize >= uint64(len(j)) {
		return nil
	}
	chunks := j[at/chunkSize:]
	first := chunks[0][min(at%chunkSize, uint64(len(chunks[0]))):]
	list := append(make([]machine.Record, 0, len(first)+(len(chunks)-1)*chunkSize), first...)
	for _, chunk := range chunks[1:] {
		list = append(list, chunk...)
	}
	return list
}
