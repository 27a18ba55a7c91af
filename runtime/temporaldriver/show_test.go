package temporaldriver

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"google.golang.org/grpc"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes/std"
)

const tickGraph = `graphrun: 1
name: tick
state: {n: {type: integer, reduce: sum}}
nodes: {count: {uses: set, writes: {n: "1"}}}
edges: [{to: count}]
pause: 10s
stop: state.n >= 20
limits: {cycles: 100}
`

// TestSearchAttributes: the cluster shows the graph of a stack, each of its statuses, and its cycle
// once a minute, across the workflows that it continues as; without the option nothing.
func TestSearchAttributes(t *testing.T) {
	t.Parallel()
	for _, on := range []bool{true, false} {
		t.Run(fmt.Sprint(on), func(t *testing.T) {
			t.Parallel()
			o := Options{Kinds: std.Registry(), SearchAttributes: on}
			w, err := newWorker(nil, o)
			if err != nil {
				t.Fatal(err)
			}
			var suite testsuite.WorkflowTestSuite
			suite.SetLogger(silentLog{})
			env := suite.NewTestWorkflowEnvironment()
			w.register(env)
			var shown []string
			env.OnUpsertTypedSearchAttributes(mock.Anything).Run(func(args mock.Arguments) {
				a := args.Get(0).(temporal.SearchAttributes)
				graph, _ := a.GetKeyword(searchGraph)
				status, _ := a.GetKeyword(searchStatus)
				cycle, _ := a.GetInt64(searchCycle)
				shown = append(shown, fmt.Sprintf("%s %s %d", graph, status, cycle))
			}).Return(nil).Maybe()
			g := compileText(t, tickGraph, o.Kinds)
			kept, err := stored(g, nil)
			if err != nil {
				t.Fatal(err)
			}
			env.RegisterDelayedCallback(func() {
				env.UpdateWorkflowNoRejection(updateName, "1", t, command{Do: doPause})
			}, 65*time.Second)
			env.RegisterDelayedCallback(func() {
				env.UpdateWorkflowNoRejection(updateName, "2", t, command{Do: doResume})
			}, 66*time.Second)
			env.ExecuteWorkflow(WorkflowType, Input{Graph: kept, Identity: journal.Identity{Stack: "tick", Graph: g.Name}})
			if err := env.GetWorkflowError(); err != nil {
				t.Fatal(err)
			}
			got, want := strings.Join(shown, ", "), ""
			if on { // a cycle each 10 s, and a minute after the one that was shown at 66 s
				want = "tick running 1, tick running 7, tick paused 7, tick running 7, tick running 14, tick completed 20"
			}
			if got != want {
				t.Errorf("it shows %q,\nwant %q", got, want)
			}
		})
	}
}

// operator is the part of a cluster that knows search attributes.
type operator struct {
	client.Client
	operatorservice.OperatorServiceClient
	known map[string]enums.IndexedValueType
	added map[string]enums.IndexedValueType
	fails error
}

func (o *operator) OperatorService() operatorservice.OperatorServiceClient { return o }

func (o *operator) ListSearchAttributes(_ context.Context, q *operatorservice.ListSearchAttributesRequest, _ ...grpc.CallOption) (*operatorservice.ListSearchAttributesResponse, error) {
	if q.Namespace != "here" {
		return nil, errors.New("another namespace")
	}
	return &operatorservice.ListSearchAttributesResponse{CustomAttributes: o.known}, nil
}

func (o *operator) AddSearchAttributes(_ context.Context, q *operatorservice.AddSearchAttributesRequest, _ ...grpc.CallOption) (*operatorservice.AddSearchAttributesResponse, error) {
	o.added = q.SearchAttributes
	return nil, o.fails
}

// TestRegisterSearchAttributes: those that a namespace does not know are added, once.
func TestRegisterSearchAttributes(t *testing.T) {
	t.Parallel()
	keyword, number := enums.INDEXED_VALUE_TYPE_KEYWORD, enums.INDEXED_VALUE_TYPE_INT
	all := map[string]enums.IndexedValueType{"GraphrunGraph": keyword, "GraphrunStatus": keyword, "GraphrunCycle": number}
	for name, of := range map[string]struct {
		o     operator
		added int
		says  string
	}{
		"new":            {operator{}, 3, ""},
		"known":          {operator{known: all}, 0, ""},
		"some":           {operator{known: map[string]enums.IndexedValueType{"GraphrunGraph": keyword}}, 2, ""},
		"another worker": {operator{fails: serviceerror.NewAlreadyExists("there")}, 3, ""},
		"refused":        {operator{fails: errors.New("no more room")}, 3, "no more room"},
		"another type":   {operator{known: map[string]enums.IndexedValueType{"GraphrunGraph": number}}, 0, "of another type"},
	} {
		err := RegisterSearchAttributes(t.Context(), &of.o, "here")
		if len(of.o.added) != of.added || (err == nil) != (of.says == "") || err != nil && !strings.Contains(err.Error(), of.says) {
			t.Errorf("%s: added %v, error %v", name, of.o.added, err)
		}
		for key, kind := range of.o.added {
			if all[key] != kind {
				t.Errorf("%s: %s is added as %s", name, key, kind)
			}
		}
	}
}
