package api

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// errReadOnly: who does not own a store does not write to it.
var errReadOnly = errors.New("api: the store of another process is only read")

// Store is the other side's store, to be read: for whatever looks into stacks
// and histories. Commit and Remove fail.
func (c *Client) Store() runtime.Store { return remote{c} }

type remote struct{ c *Client }

func (remote) Commit(context.Context, runtime.Commit) error { return errReadOnly }
func (remote) Remove(context.Context, string) error         { return errReadOnly }

// Close does nothing: the client is closed by whoever made it.
func (remote) Close() error { return nil }

func (s remote) Load(ctx context.Context, stack string) (journal.Snapshot, error) {
	return s.snapshot(ctx, stackPath(stack, "/snapshot"))
}

func (s remote) Base(ctx context.Context, stack string) (journal.Snapshot, error) {
	return s.snapshot(ctx, stackPath(stack, "/base"))
}

func (s remote) snapshot(ctx context.Context, path string) (journal.Snapshot, error) {
	var snap journal.Snapshot
	err := s.c.call(ctx, http.MethodGet, path, nil, &snap)
	return snap, err
}

func (s remote) Graph(ctx context.Context, hash string) (runtime.StoredGraph, error) {
	var g graphBody
	err := s.c.call(ctx, http.MethodGet, "/v1/graphs/"+url.PathEscape(hash), nil, &g)
	return runtime.StoredGraph{Hash: g.Hash, Name: g.Name, File: g.File, Def: g.Def, Source: []byte(g.Source)}, err
}

func (s remote) Stacks(ctx context.Context) ([]runtime.Summary, error) {
	var body stacksBody
	err := s.c.call(ctx, http.MethodGet, "/v1/stacks?full=true", nil, &body)
	var all []runtime.Summary
	for _, st := range body.Stacks {
		all = append(all, st.summary())
	}
	return all, err
}

func (s remote) Cursors(ctx context.Context, fn func(runtime.Summary) error) error {
	all, err := s.Stacks(ctx)
	for i := 0; err == nil && i < len(all); i++ {
		err = fn(all[i])
	}
	return err
}

func (s remote) Stack(ctx context.Context, stack string) (runtime.Summary, error) {
	var st StackStatus
	err := s.c.call(ctx, http.MethodGet, stackPath(stack, "?full=true"), nil, &st)
	return st.summary(), err
}

// Seen is asked by who takes events in, and that is the owner.
func (remote) Seen(context.Context, string, string) (bool, error) { return false, errReadOnly }

func (s remote) Records(ctx context.Context, stack string, from uint64, fn func(journal.Record) error) error {
	return s.c.Records(ctx, stack, Read{From: from, Journal: true}, func(line []byte) error {
		r, err := journal.ParseRecord(line)
		if err != nil {
			return lost(ctx, err)
		}
		return fn(r)
	})
}

// Read says what of a journal is read.
type Read struct {
	From    uint64 // the first seq; 0: from the beginning
	Follow  bool   // until the stack has ended or the context does
	Journal bool   // also what only the store keeps
}

// Records calls fn with each record of a stack as one line of JSON, which is
// fn's until it returns. An error of fn comes back as it is.
func (c *Client) Records(ctx context.Context, stack string, o Read, fn func(line []byte) error) error {
	path := stackPath(stack, fmt.Sprintf("/records?from=%d&follow=%t&journal=%t", max(o.From, 1), o.Follow, o.Journal))
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
