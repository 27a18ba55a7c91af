package cli

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/nodes/agent"
	"github.com/graphrun/graphrun/nodes/agent/cassette"
	"github.com/graphrun/graphrun/runtime"
)

// recording is the file of --record.
type recording struct {
	*cassette.Recorder
	file *os.File
}

// openRecording empties the file. graphs are the files that the recording must not go to.
func (a *app) openRecording(ctx context.Context, file string, g *graph.Graph, graphs ...string) (*recording, error) {
	f, err := a.createTarget(ctx, "--record", file, graphs...)
	if err != nil {
		return nil, err
	}
	return &recording{cassette.NewRecorder(f, maskOf(g)), f}, nil
}

// close gives the first error there was.
func (r *recording) close() error {
	err := r.Err()
	if closing := r.file.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return &runtime.StoreError{Path: r.file.Name(), Err: fmt.Errorf("cannot write the recording to %s: %w", r.file.Name(), err)}
	}
	return nil
}

// replaying answers from the file of --replay.
type replaying struct{ *cassette.Player }

func (a *app) openReplay(file string, g *graph.Graph) (replaying, error) {
	f, err := os.Open(file)
	if err != nil {
		return replaying{}, usagef("--replay: %v", err)
	}
	defer f.Close() // it was only read
	p, err := cassette.Load(file, f, maskOf(g))
	if err != nil {
		return replaying{}, usagef("--replay: %v", err)
	}
	return replaying{p}, nil
}

func (r replaying) Transport(http.RoundTripper) http.RoundTripper { return r.Player }
func (r replaying) Servers(agent.Servers) agent.Servers           { return r.Player.Servers() }
