package api

import (
	"crypto/rand"
	"sync"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime/feed"
)

const (
	// maxTape is how many commits a tape has.
	maxTape = 1 << 16
	// tapeIdle is how long a tape continues without a reader: one may come back.
	tapeIdle = time.Minute
)

// tape is the order in which the commits of all stacks became known, for readers of all
// records. It hears of commits while somebody reads, and for a while after that.
type tape struct {
	feed *feed.Feed // nil if the engine is not Watchable: then nobody reads

	mu      sync.Mutex
	readers int
	idle    *time.Timer   // ends it; nil while somebody reads
	stop    func()        // of the feed; nil while it hears nothing
	name    string        // another one each time that it begins
	last    uint64        // the number of the newest commit, from 1
	commits []taped       // the commit n is at n modulo maxTape
	texts   uint64        // the oldest commit whose text is there
	size    int           // of the texts
	news    chan struct{} // closed with the next commit
}

// taped are the records of one commit.
type taped struct {
	stack, graph string
	from, to     uint64
	// text are the records as server-sent events, with their places: what most readers get,
	// so it is made once. nil once the tape has more text than maxText after it.
	text []byte
}

// maxText bounds the text of a tape, in bytes.
const maxText = 4 << 20

// spot is a place on a tape: the record of a commit that was read last.
type spot struct {
	tape   string
	commit uint64
	seq    uint64 // 0 is before its first one
}

// join begins to read. leave ends it.
func (t *tape) join() (leave func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.readers++
	if t.idle != nil {
		t.idle.Stop()
		t.idle = nil
	}
	if t.stop == nil {
		t.name, t.last, t.commits, t.news = rand.Text(), 0, nil, make(chan struct{})
		t.texts, t.size = 1, 0
		t.stop = t.feed.OnCommit("", t.add)
	}
	return sync.OnceFunc(t.leave)
}

func (t *tape) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.readers--; t.readers == 0 {
		t.idle = time.AfterFunc(tapeIdle, t.rest)
	}
}

// rest ends a tape that nobody reads.
func (t *tape) rest() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.readers == 0 && t.stop != nil {
		t.stop()
		t.stop, t.commits = nil, nil
	}
}

func (t *tape) add(c feed.Commit) {
	n := len(c.Records)
	if n == 0 {
		return
	}
	lines := make([][]byte, n)
	for i, r := range c.Records {
		lines[i] = journal.AppendRecord(nil, r, false)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	e := taped{stack: c.Stack, graph: c.Graph, from: c.Records[0].Seq, to: c.Records[n-1].Seq}
	for i, r := range c.Records {
		e.text = append(appendSpot(append(e.text, "id: "...), spot{t.name, t.last + 1, r.Seq}), "\nevent: "...)
		e.text = append(append(append(append(e.text, r.Body.Type()...), "\ndata: "...), lines[i]...), "\n\n"...)
	}
	if t.last++; len(t.commits) < maxTape {
		if len(t.commits) == 0 {
			t.commits = append(t.commits, taped{}) // commits are counted from 1
		}
		t.commits = append(t.commits, e)
	}
	t.commits[t.last%maxTape] = e
	for t.size += len(e.text); t.size > maxText; t.texts++ {
		old := &t.commits[t.texts%maxTape]
		t.size -= len(old.text)
		old.text = nil
	}
	close(t.news)
	t.news = make(chan struct{})
}

// end is the place behind the newest commit.
func (t *tape) end() spot {
	t.mu.Lock()
	defer t.mu.Unlock()
	return spot{t.name, t.last + 1, 0}
}

// has reports whether what follows a place is on the tape.
func (t *tape) has(at spot) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return at.tape == t.name && at.commit <= t.last+1 && at.commit+maxTape > t.last
}

// next is a commit by its number; false if it is not on the tape any more. news is closed when
// a commit comes that is not there yet; else it is nil.
func (t *tape) next(commit uint64) (e taped, news <-chan struct{}, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case commit > t.last:
		return e, t.news, true
	case commit+maxTape <= t.last:
		return e, nil, false
	}
	return t.commits[commit%maxTape], nil, true
}
