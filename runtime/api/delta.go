package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime/feed"
)

// Delta is a server-sent event of the type `delta`: a piece of text that a task has just
// produced, as a model says it. It is in no record.
type Delta struct {
	Stack   string `json:"stack,omitzero"` // in the stream of all stacks
	Node    string `json:"node"`
	Item    string `json:"item"`
	Attempt int    `json:"attempt"`
	Text    string `json:"text"`
	// Gap says that text of the attempt before this piece is missing: the stream was too
	// slow for it, or began later.
	Gap bool `json:"gap,omitzero"`
}

// speech is an attempt whose text is shown.
type speech struct {
	stack   string // "" in the stream of one
	task    journal.TaskKey
	attempt int
}

// keptSpeeches bounds the attempts whose text a stream follows.
const keptSpeeches = 1000

// delta writes a delta as an event, with the stack's id if it is not "".
func (s *stream) delta(b []byte, d *feed.Delta, stack string) []byte {
	who := speech{stack, d.Task, d.Attempt}
	out := Delta{stack, d.Task.Node, d.Task.Item, d.Attempt, d.Text, s.shown[who] != d.Offset}
	if s.shown == nil || len(s.shown) > keptSpeeches {
		s.shown = map[speech]int{}
	}
	s.shown[who] = d.Offset + len(d.Text)
	data, err := json.Marshal(out)
	if err != nil { // texts and numbers
		return b
	}
	b = append(b, "event: delta\ndata: "...)
	return append(append(b, data...), "\n\n"...)
}

// Follow calls record with each record of a stack as one line of JSON, as Records does,
// and said with what its models say from now on, until the stack has ended. Both are
// called from one goroutine, and a record comes before what was said after it. The line
// is record's until it returns. An error of either comes back as it is.
func (c *Client) Follow(ctx context.Context, stack string, o Read, record func(line []byte) error, said func(Delta) error) error {
	o.Follow = true
	resp, err := c.do(ctx, http.MethodGet, stackPath(stack, "/records"+o.query()), nil, eventStream)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	lines, isDelta := bufio.NewReaderSize(resp.Body, 64<<10), false
	for {
		line, err := lines.ReadBytes('\n')
		switch {
		case errors.Is(err, io.EOF) && len(line) == 0: // the stack has ended
			return nil
		case err != nil:
			return lost(ctx, err)
		}
		line = line[:len(line)-1]
		if name, ok := bytes.CutPrefix(line, []byte("event: ")); ok {
			isDelta = string(name) == "delta"
		}
		data, ok := bytes.CutPrefix(line, []byte("data: "))
		switch {
		case !ok: // an id, a comment, the end of an event
		case isDelta:
			var d Delta
			if err = json.Unmarshal(data, &d); err != nil {
				return lost(ctx, err)
			}
			err = said(d)
		default:
			err = record(data)
		}
		if err != nil {
			return err
		}
	}
}
