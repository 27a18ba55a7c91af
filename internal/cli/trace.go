package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// trace writes records as JSON lines, flushed with each commit: what stands
// there is durable in the store. After a failed write nothing more is written.
type trace struct {
	file string
	w    *bufio.Writer
	c    io.Closer
	line []byte
	err  error
	gone func() // called when nobody reads it any more
}

// openTrace empties file; "-" is standard output, "" gives a nil trace, which
// writes nothing. graphs are the files that the trace must not go to.
func (a *app) openTrace(ctx context.Context, file string, graphs ...string) (*trace, error) {
	switch file {
	case "":
		return nil, nil
	case "-":
		return &trace{file: "standard output", w: bufio.NewWriter(a.out)}, nil
	}
	f, err := a.createTarget(ctx, "--trace", file, graphs...)
	if err != nil {
		return nil, err
	}
	return &trace{file: file, w: bufio.NewWriter(f), c: f}, nil
}

// write adds the records of one commit.
func (t *trace) write(records []journal.Record) {
	if t == nil || t.err != nil {
		return
	}
	for _, r := range records {
		t.line = append(journal.AppendRecord(t.line[:0], r, false), '\n')
		_, _ = t.w.Write(t.line) // Flush gives the error
	}
	if t.err = t.w.Flush(); errors.Is(t.err, syscall.EPIPE) {
		t.gone()
	}
}

// close gives the first error there was.
func (t *trace) close() error {
	if t == nil {
		return nil
	}
	if t.c != nil {
		if err := t.c.Close(); t.err == nil {
			t.err = err
		}
	}
	if t.err != nil {
		return &runtime.StoreError{Path: t.file, Err: fmt.Errorf("cannot write the trace to %s: %w", t.file, t.err)}
	}
	return nil
}
