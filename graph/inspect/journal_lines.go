package inspect

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
)

// A journal in a file is a record a line, in the journal form. Some lines have more
// members, so that the file can be decided again without its store:
//
//   - "identity", of a stack's first record: who the stack is
//   - "base", of the first record of a history whose beginning is deleted: the stack as it
//     was before (journal.Snapshot)
//   - "definition", of stack.started and of cycle.started: the graph, where the file does
//     not have it already

// besides are these members.
type besides struct {
	Identity   *journal.Identity `json:"identity,omitempty"`
	Base       *journal.Snapshot `json:"base,omitempty"`
	Definition *definition       `json:"definition,omitempty"`
}

type definition struct {
	Hash string          `json:"hash"`
	Name string          `json:"name"`
	File string          `json:"file"`
	Def  json.RawMessage `json:"def"`
}

// JournalLines completes the lines of journals, of any number of stacks.
type JournalLines struct {
	store Reader
	first map[string]*journal.Snapshot // by stack: what its first line is to have; nil once it has it
	has   map[string]bool              // definitions, by hash
}

// NewJournalLines begins a file.
func NewJournalLines(store Reader) *JournalLines {
	return &JournalLines{store: store, first: map[string]*journal.Snapshot{}, has: map[string]bool{}}
}

// Complete is the line of a record in the journal form, without a line end, with the
// members that it needs in a file. Records of a stack come in their order.
func (j *JournalLines) Complete(ctx context.Context, line []byte, rec journal.Record) ([]byte, error) {
	var more besides
	base, known := j.first[rec.Stack]
	if !known {
		oldest, err := j.store.Base(ctx, rec.Stack, journal.Beginning)
		if err != nil {
			return nil, err
		}
		base, j.first[rec.Stack] = &oldest, &oldest
	}
	hashes := []string(nil)
	if base != nil && rec.Seq > base.Cursor.Seq {
		j.first[rec.Stack] = nil
		if rec.Seq == base.Cursor.Seq+1 && rec.Seq > 1 {
			more.Base = base
			hashes = append(hashes, base.Cursor.Hash)
		} else {
			more.Identity = &base.Identity
		}
	}
	switch b := rec.Body.(type) {
	case *journal.StackStarted:
		hashes = append(hashes, b.Hash)
	case *journal.CycleStarted:
		hashes = append(hashes, b.Hash)
	}
	for _, hash := range hashes {
		if hash == "" || j.has[hash] || more.Definition != nil {
			continue
		}
		g, err := j.store.Graph(ctx, hash)
		if err != nil {
			return nil, err
		}
		j.has[hash] = true
		more.Definition = &definition{g.Hash, g.Name, g.File, g.Def}
	}
	if more == (besides{}) {
		return line, nil
	}
	b, err := json.Marshal(more)
	if err != nil {
		return nil, err
	}
	out := append(bytes.Clone(line[:len(line)-1]), ',')
	return append(out, b[1:]...), nil
}

// ErrNoDefinition says that a journal in a file has not the definition that its records
// are about: earlier versions wrote none.
var ErrNoDefinition = errors.New("the journal has no definition of the graph")

// ReplayJournal decides a journal again that JournalLines completed. Where it is of
// several stacks, stack says which one; else stack may be "". elsewhere finds definitions
// that the journal has not; it may be nil. Errors are about the file, and name its line
// where they can, or are ErrNoDefinition or those of elsewhere.
func ReplayJournal(r io.Reader, kinds graph.Kinds, stack string, elsewhere func(hash string) (journal.StoredGraph, error)) (Replay, error) {
	f := journalFile{graphs: map[string]journal.StoredGraph{}, stack: stack}
	if err := f.read(r); err != nil {
		return Replay{}, err
	}
	if len(f.records) == 0 {
		return Replay{}, fmt.Errorf("the journal has no records%s", f.others())
	}
	if stack == "" && len(f.known) > 1 {
		return Replay{}, fmt.Errorf("the journal is of several stacks%s: say which one", f.others())
	}
	known := map[string]*graph.Graph{}
	out, err := replayed(machine.Replayer{
		Graphs: func(hash string) (*graph.Graph, error) {
			if g := known[hash]; g != nil {
				return g, nil
			}
			kept, ok := f.graphs[hash]
			if !ok && elsewhere == nil {
				return nil, fmt.Errorf("%w: %s", ErrNoDefinition, hash)
			}
			if !ok {
				var err error
				if kept, err = elsewhere(hash); err != nil {
					return nil, err
				}
			}
			g, err := Compile(kept, kinds)
			known[hash] = g
			return g, err
		},
		Base: f.base,
		Records: func(yield func(journal.Record, error) bool) {
			for _, rec := range f.records {
				if !yield(rec, nil) {
					return
				}
			}
		},
	}, journal.Snapshot{}, 0)
	if errors.Is(err, machine.ErrHistory) {
		return out, fmt.Errorf("the journal of stack %q begins with record %d, and has not what was before it", f.base.Identity.Stack, f.records[0].Seq)
	}
	return out, err
}

// journalFile is what a file has of one stack.
type journalFile struct {
	stack   string
	known   []string // all stacks
	graphs  map[string]journal.StoredGraph
	base    journal.Snapshot
	records []journal.Record
}

func (f *journalFile) others() string {
	if len(f.known) == 0 {
		return ""
	}
	return fmt.Sprintf(" (there are: %s)", strings.Join(f.known, ", "))
}

func (f *journalFile) read(r io.Reader) error {
	in := bufio.NewReaderSize(r, 1<<16)
	for n := 1; ; n++ {
		line, err := in.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			if err := f.line(line); err != nil {
				return fmt.Errorf("line %d: %w", n, err)
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (f *journalFile) line(line []byte) error {
	rec, err := journal.ParseRecord(line)
	if err != nil {
		return err
	}
	var more besides
	if bytes.Contains(line, []byte(`"definition":`)) || bytes.Contains(line, []byte(`"identity":`)) {
		if err := json.Unmarshal(line, &more); err != nil {
			return err
		}
	}
	if d := more.Definition; d != nil {
		f.graphs[d.Hash] = journal.StoredGraph{Hash: d.Hash, Name: d.Name, File: d.File, Def: d.Def}
	}
	if !slices.Contains(f.known, rec.Stack) {
		f.known = append(f.known, rec.Stack)
	}
	if f.stack == "" && rec.Stack != f.known[0] || f.stack != "" && rec.Stack != f.stack {
		return nil
	}
	if len(f.records) == 0 || more.Base != nil {
		f.begin(rec, more)
	}
	f.records = append(f.records, rec)
	return nil
}

// begin takes what is known of the stack before a record.
func (f *journalFile) begin(rec journal.Record, more besides) {
	f.records = nil // what is before the base is not needed
	switch {
	case more.Base != nil:
		f.base = *more.Base
	case more.Identity != nil:
		f.base = journal.Snapshot{Identity: *more.Identity}
	default:
		f.base = journal.Snapshot{Identity: journal.Identity{Stack: rec.Stack, CreatedAt: rec.Time}}
		if b, ok := rec.Body.(*journal.StackStarted); ok {
			f.base.Identity.Graph = b.Graph
		}
	}
}
