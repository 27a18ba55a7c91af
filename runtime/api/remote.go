package api

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// Store is the other side's store, to be read.
func (c *Client) Store() inspect.Reader { return remote{c} }

type remote struct{ c *Client }

func (s remote) Load(ctx context.Context, stack string) (journal.Snapshot, error) {
	return s.snapshot(ctx, stackPath(stack, "/snapshot"))
}

func (s remote) State(ctx context.Context, stack string) (journal.Snapshot, error) {
	return s.snapshot(ctx, stackPath(stack, "/snapshot?records=false"))
}

func (s remote) Stack(ctx context.Context, stack string) (runtime.Summary, error) {
	snap, err := s.snapshot(ctx, stackPath(stack, "/snapshot?state=false"))
	return runtime.Summary{Identity: snap.Identity, Cursor: snap.Cursor}, err
}

func (s remote) Base(ctx context.Context, stack string, at journal.Point) (journal.Snapshot, error) {
	path := "/base"
	if at != (journal.Point{}) {
		path += "?at=" + at.String()
	}
	return s.snapshot(ctx, stackPath(stack, path))
}

func (s remote) snapshot(ctx context.Context, path string) (journal.Snapshot, error) {
	var snap journal.Snapshot
	err := s.c.call(ctx, http.MethodGet, path, nil, &snap)
	return snap, err
}

func (s remote) Graph(ctx context.Context, hash string) (runtime.StoredGraph, error) {
	var g storedGraphBody
	err := s.c.call(ctx, http.MethodGet, "/v1/graphs/"+url.PathEscape(hash), nil, &g)
	return runtime.StoredGraph{Hash: g.Hash, Name: g.Name, File: g.File, Def: g.Def, Source: []byte(g.Source)}, err
}

func (s remote) Stacks(ctx context.Context, fn func(runtime.Summary) error) error {
	return s.c.stacks(ctx, url.Values{"full": {"true"}}, func(st Stack) error { return fn(st.summary()) })
}

func (s remote) Records(ctx context.Context, stack string, want journal.Want, fn func(journal.Record) error) error {
	r := Read{From: want.From, To: want.To, Last: want.Last, Types: want.Types, Journal: true, NoBulk: !want.Bulk}
	return s.c.Records(ctx, stack, r, func(line []byte) error {
		rec, err := journal.ParseRecord(line)
		if err != nil {
			return lost(ctx, err)
		}
		return fn(rec)
	})
}

// Read says what of a journal is read.
type Read struct {
	From    uint64   // the first seq; 0 is the beginning
	To      uint64   // the last seq; 0 is the end
	Last    int      // only so many cycles, counted from the end; 0 means no limit
	Types   []string // of the records that are wanted; nil means all
	Follow  bool     // until the stack has ended or the context does
	Journal bool     // also what only the store keeps
	NoBulk  bool     // of that, without outputs and payloads
}

func (o *Read) query() string {
	q := url.Values{}
	if o.From > 0 {
		q.Set("from", strconv.FormatUint(o.From, 10))
	}
	for name, set := range map[string]bool{"follow": o.Follow, "journal": o.Journal} {
		if set {
			q.Set(name, "true")
		}
	}
	if o.NoBulk {
		q.Set("bulk", "false")
	}
	if o.To > 0 {
		q.Set("to", strconv.FormatUint(o.To, 10))
	}
	if o.Last > 0 {
		q.Set("last", strconv.Itoa(o.Last))
	}
	if len(o.Types) > 0 {
		q.Set("types", strings.Join(o.Types, ","))
	}
	return "?" + q.Encode()
}

// Records calls fn with each record of a stack as one line of JSON, which is
// fn's until it returns. An error of fn comes back as it is.
func (c *Client) Records(ctx context.Context, stack string, o Read, fn func(line []byte) error) error {
	path := stackPath(stack, "/records"+o.query())
	resp, err := c.do(ctx, http.MethodGet, path, nil, jsonLines)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	lines := bufio.NewReaderSize(resp.Body, 64<<10)
	for {
		line, err := lines.ReadBytes('\n')
		switch {
		case errors.Is(err, io.EOF) && len(line) == 0:
			return nil
		case err != nil:
			return lost(ctx, err)
		}
		if err := fn(line[:len(line)-1]); err != nil {
			return err
		}
	}
}

func stackPath(stack, rest string) string { return "/v1/stacks/" + url.PathEscape(stack) + rest }
