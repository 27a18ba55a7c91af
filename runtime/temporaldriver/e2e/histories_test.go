package e2e

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	sdk "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/graphrun/graphrun/runtime/temporaldriver"
)

// update has the histories recorded that the driver's own tests replay.
var update = flag.Bool("update", false, "record the histories in ../testdata/histories")

// histories are those of all workflows that a stack has had, oldest first.
func (s *stacks) histories(t *testing.T, stack string) (all []*historypb.History) {
	t.Helper()
	for run := ""; ; {
		h := &historypb.History{}
		for events := s.c.GetWorkflowHistory(t.Context(), stack, run, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); events.HasNext(); {
			e, err := events.Next()
			if err != nil {
				t.Fatalf("%s: %v", stack, err)
			}
			h.Events = append(h.Events, e)
		}
		all = append([]*historypb.History{h}, all...)
		if run = h.Events[0].GetWorkflowExecutionStartedEventAttributes().GetContinuedExecutionRunId(); run == "" {
			return all
		}
	}
}

// replay replays all workflows of stacks that have ended.
func (s *stacks) replay(t *testing.T, o temporaldriver.Options, names ...string) {
	t.Helper()
	w, err := temporaldriver.NewWorker(s.c, o)
	if err != nil {
		t.Fatal(err)
	}
	r := sdk.NewWorkflowReplayer()
	w.RegisterWorkflows(r)
	for _, name := range names {
		for i, h := range s.histories(t, name) {
			run := h.Events[0].GetWorkflowExecutionStartedEventAttributes().GetOriginalExecutionRunId()
			err := r.ReplayWorkflowHistoryWithOptions(nil, h, sdk.ReplayWorkflowHistoryOptions{OriginalExecution: workflow.Execution{ID: name, RunID: run}})
			if err != nil {
				t.Errorf("%s: workflow %d cannot be replayed: %v", name, i+1, err)
			}
		}
	}
}

// record keeps some of the histories of a stack under a name, if they are wanted.
func (s *stacks) record(t *testing.T, name, stack string, most int) {
	t.Helper()
	if !*update {
		return
	}
	all := s.histories(t, stack)
	for i, h := range all[:min(most, len(all))] {
		if last := len(h.Events) - 1; h.Events[last].EventType == enums.EVENT_TYPE_WORKFLOW_TASK_STARTED || h.Events[last].EventType == enums.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED {
			t.Fatalf("%s has something to do", stack)
		}
		if len(all) > 1 {
			write(t, fmt.Sprintf("%s-%d", name, i+1), h)
		} else {
			write(t, name, h)
		}
	}
}

// write writes a history with a line for each event.
func write(t *testing.T, name string, h *historypb.History) {
	t.Helper()
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	for i, e := range h.Events {
		line, err := protojson.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		line = bytes.ReplaceAll(line, []byte(`"`+host+`:`), []byte(`"worker:`))
		b.WriteString(map[bool]string{true: "{\"events\": [\n", false: ",\n"}[i == 0])
		if err := json.Compact(&b, line); err != nil { // its blanks are random
			t.Fatal(err)
		}
	}
	b.WriteString("\n]}\n")
	dir := filepath.Join("..", "testdata", "histories")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".json"), b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
