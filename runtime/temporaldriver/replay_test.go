package temporaldriver

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/protobuf/proto"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes/std"
)

// The histories in testdata/histories were recorded on a real server: `go test -run
// 'TestSame|TestSteps|TestContinued|TestVersions' -update .` in the module e2e. Each is one
// workflow from its beginning to its end, or to where it continued as another one.

func readHistory(t *testing.T, path string) *historypb.History {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h, err := client.HistoryFromJSON(f, client.HistoryJSONOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// came is what a replay has come to: the output of a stack that has ended, or what the next
// workflow gets.
type came struct {
	out  Output
	next *Input
}

// replay replays a history. It decides nothing: a graph that would have to be compiled fails it.
func replay(t *testing.T, h *historypb.History) (c came, err error) {
	t.Helper()
	w, err := newWorker(nil, Options{Kinds: std.Registry(), History: -1, Compile: func(journal.StoredGraph) (*graph.Graph, error) {
		return nil, errors.New("a replay decides something")
	}})
	if err != nil {
		t.Fatal(err)
	}
	r := worker.NewWorkflowReplayer()
	r.RegisterWorkflowWithOptions(func(ctx workflow.Context, in Input) (Output, error) {
		out, err := w.stack(ctx, in)
		c = came{out: out}
		var again *workflow.ContinueAsNewError
		if errors.As(err, &again) {
			c.next = inputOf(t, again.Input)
		}
		return out, err
	}, workflow.RegisterOptions{Name: WorkflowType})
	r.RegisterWorkflowWithOptions(w.memory, workflow.RegisterOptions{Name: memoryType})
	r.RegisterWorkflowWithOptions(w.limiter, workflow.RegisterOptions{Name: limiterType})
	first := h.Events[0].GetWorkflowExecutionStartedEventAttributes()
	err = r.ReplayWorkflowHistoryWithOptions(nil, h, worker.ReplayWorkflowHistoryOptions{
		OriginalExecution: workflow.Execution{ID: first.WorkflowId, RunID: first.OriginalExecutionRunId},
	})
	return c, err
}

func inputOf(t *testing.T, p *commonpb.Payloads) *Input {
	t.Helper()
	in := &Input{}
	if err := converter.GetDefaultDataConverter().FromPayloads(p, in); err != nil {
		t.Error(err)
	}
	return in
}

// recorded is what the history says it has come to. Limiters and memories never end.
func recorded(t *testing.T, h *historypb.History) (c came) {
	t.Helper()
	last := h.Events[len(h.Events)-1]
	switch last.EventType {
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
		if err := converter.GetDefaultDataConverter().FromPayloads(last.GetWorkflowExecutionCompletedEventAttributes().Result, &c.out); err != nil {
			t.Error(err)
		}
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
		c.next = inputOf(t, last.GetWorkflowExecutionContinuedAsNewEventAttributes().Input)
	default:
		if name := h.Events[0].GetWorkflowExecutionStartedEventAttributes().WorkflowType.Name; name == WorkflowType {
			t.Errorf("the history of a stack ends with %s", last.EventType)
		}
	}
	return c
}

// lines are what two of them are compared by.
func (c *came) lines(t *testing.T) (all []string) {
	t.Helper()
	if c.next == nil {
		return []string{string(c.out.Status), c.out.Reason, value.String(c.out.State.Any()), string((&journal.Packer{}).Cursor(nil, &c.out.Cursor))}
	}
	m, err := unpackImage(c.next.Carried.Stack)
	if err != nil {
		t.Error(err)
		return nil
	}
	all = []string{"continues", string((&journal.Packer{}).Cursor(nil, &m.Cursor)), value.String(m.State)}
	for _, commit := range m.Records {
		for _, r := range commit {
			all = append(all, string(journal.AppendRecord(nil, r, true)))
		}
	}
	return all
}

// TestHistories: what an earlier version of the driver has recorded is replayed by this one, with
// the same commands to the cluster, and comes to the same.
func TestHistories(t *testing.T) {
	t.Parallel()
	all, err := filepath.Glob("testdata/histories/*.json")
	if err != nil || len(all) < 20 {
		t.Fatalf("%d histories: %v", len(all), err)
	}
	for _, path := range all {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".json"), func(t *testing.T) {
			t.Parallel()
			h := readHistory(t, path)
			want := recorded(t, h)
			got, err := replay(t, h)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want.lines(t), got.lines(t)); d != "" {
				t.Errorf("(- recorded, + replayed):\n%s", d)
			}
		})
	}
}

// TestHistoriesControl: a replay that does something else than was recorded is found.
func TestHistoriesControl(t *testing.T) {
	t.Parallel()
	h := readHistory(t, "testdata/histories/retry.json")
	for what, spoil := range map[string]func(e *historypb.HistoryEvent) bool{
		"an activity is another one": func(e *historypb.HistoryEvent) bool {
			a := e.GetActivityTaskScheduledEventAttributes()
			if a != nil {
				a.ActivityType.Name = "another"
			}
			return a != nil
		},
		"a decision is another one": func(e *historypb.HistoryEvent) bool {
			m := e.GetMarkerRecordedEventAttributes()
			if m == nil {
				return false
			}
			b, err := (&decision{ended: true}).encode(map[journal.ShapeID]*journal.Shape{})
			if err != nil {
				t.Fatal(err)
			}
			p, err := converter.GetDefaultDataConverter().ToPayloads(b)
			if err != nil {
				t.Fatal(err)
			}
			m.Details["data"] = p
			return true
		},
	} {
		spoilt := proto.Clone(h).(*historypb.History)
		found := false
		for _, e := range spoilt.Events {
			if found = spoil(e); found {
				break
			}
		}
		if _, err := replay(t, spoilt); !found || err == nil {
			t.Errorf("%s, and nobody says so", what)
		}
	}
}
