package journal

import (
	"iter"
	"slices"
)

// Round is the decisions of one moment in one body. A record with it stands for as many
// records node.decided, which have the same time and follow each other: the first has the
// record's Seq. Machines write rounds, and commits carry them. Whoever shows records, or
// counts them, takes them one by one: see EachRecord. What stores read out are single records;
// only the records of a Snapshot may be rounds.
//
// A round is immutable and shared like every body: a moment that decides what the same
// moment of the cycle before decided has the same *Round.
type Round struct {
	Decided []*NodeDecided // in the order of their records; more than one
	Failed  []*NodeDecided // of these, as NodeDecided.Failed says
}

// NewRound makes a round of decisions, which are in the order of their records.
func NewRound(decided []*NodeDecided) *Round {
	b := &Round{Decided: decided}
	for _, d := range decided {
		if d.Failed() {
			b.Failed = append(b.Failed, d)
		}
	}
	return b
}

// Type implements Body. It is that of the records for which the round stands.
func (*Round) Type() string { return "node.decided" }

func (*Round) members(*codec) {
	panic("journal: a round is written as the records that it stands for: see EachRecord")
}

// Last is the number of the last record that r stands for: Seq, unless it is a round.
func (r *Record) Last() uint64 {
	if b, ok := r.Body.(*Round); ok {
		return r.Seq + uint64(len(b.Decided)) - 1
	}
	return r.Seq
}

// EachRecord gives records one by one, the decisions of rounds too.
func EachRecord(records []Record) iter.Seq[Record] {
	return func(yield func(Record) bool) {
		for i := range records {
			r := records[i]
			b, ok := r.Body.(*Round)
			if !ok {
				if !yield(r) {
					return
				}
				continue
			}
			for _, d := range b.Decided {
				if r.Body = d; !yield(r) {
					return
				}
				r.Seq++
			}
		}
	}
}

// Count is how many records there are, the decisions of rounds one by one.
func Count(records []Record) int {
	n := len(records)
	for i := range records {
		if b, ok := records[i].Body.(*Round); ok {
			n += len(b.Decided) - 1
		}
	}
	return n
}

// Singles is a list of what EachRecord gives: records itself when there is no round in it.
func Singles(records []Record) []Record {
	n := Count(records)
	if n == len(records) {
		return records
	}
	return slices.AppendSeq(make([]Record, 0, n), EachRecord(records))
}
