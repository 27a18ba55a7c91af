package memstore

import "github.com/graphrun/graphrun/graph/machine"

// chunkSize is how many records share one piece of memory.
const chunkSize = 256

// journal is the records of a stack, one after the other, in chunks: adding
// never moves those that are there, so its cost does not grow with the history.
type journal struct {
	chunks [][]machine.Record
	gone   uint64 // records in chunks that were dropped
}

func (j *journal) add(records []machine.Record) {
	for len(records) > 0 {
		last := len(j.chunks) - 1
		if last < 0 || len(j.chunks[last]) == chunkSize {
			j.chunks = append(j.chunks, make([]machine.Record, 0, chunkSize))
			last++
		}
		n := min(len(records), chunkSize-len(j.chunks[last]))
		j.chunks[last] = append(j.chunks[last], records[:n]...)
		records = records[n:]
	}
}

// drop lets go of whole chunks before seq.
func (j *journal) drop(seq uint64) {
	for len(j.chunks) > 1 && j.gone+chunkSize < seq {
		j.chunks[0] = nil
		j.chunks = j.chunks[1:]
		j.gone += chunkSize
	}
}

// from is a copy of the records from seq on; nil when there are none.
func (j *journal) from(seq uint64) []machine.Record {
	at := max(seq, j.gone+1) - 1 - j.gone
	if at/chunkSize >= uint64(len(j.chunks)) {
		return nil
	}
	chunks := j.chunks[at/chunkSize:]
	first := chunks[0][min(at%chunkSize, uint64(len(chunks[0]))):]
	list := append(make([]machine.Record, 0, len(first)+(len(chunks)-1)*chunkSize), first...)
	for _, chunk := range chunks[1:] {
		list = append(list, chunk...)
	}
	return list
}
