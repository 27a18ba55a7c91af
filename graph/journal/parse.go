package journal

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/graphrun/graphrun/graph/value"
)

// line is every member that a record may have.
type line struct {
	Seq   uint64    `json:"seq"`
	Time  time.Time `json:"time"`
	Type  string    `json:"type"`
	Stack string    `json:"stack"`
	Cycle uint64    `json:"cycle"`

	Graph      string          `json:"graph"`
	Hash       string          `json:"hash"`
	Params     json.RawMessage `json:"params"`
	State      json.RawMessage `json:"state"`
	Event      string          `json:"event"`
	ID         string          `json:"id"`
	Payload    json.RawMessage `json:"payload"`
	Mode       string          `json:"mode"`
	Faults     []string        `json:"faults"`
	Began      uint64          `json:"began"`
	Crashes    int             `json:"crashes"`
	Cached     bool            `json:"cached"`
	CacheKey   string          `json:"cache_key"`
	Wave       uint64          `json:"wave"`
	Node       string          `json:"node"`
	Nodes      []string        `json:"nodes"`
	Item       string          `json:"item"`
	Attempt    int             `json:"attempt"`
	Run        bool            `json:"run"`
	Reason     string          `json:"reason"`
	Edges      []verdictLine   `json:"edges"`
	Early      []verdictLine   `json:"early"`
	Status     string          `json:"status"`
	DurationNS time.Duration   `json:"duration_ns"`
	Error      *Failure        `json:"error"`
	Output     json.RawMessage `json:"output"`
	Tokens     int64           `json:"tokens"`
	Cost       float64         `json:"cost"`
	RetryAt    time.Time       `json:"retry_at"`
	Changed    []string        `json:"changed"`
	Settled    []Settled       `json:"settled"`
	Waves      int             `json:"waves"`
	NodeRuns   int             `json:"node_runs"`
	Failed     bool            `json:"failed"`
	Active     bool            `json:"active"`
	PauseNS    time.Duration   `json:"pause_ns"`
	None       bool            `json:"none"`
}

type verdictLine struct {
	Edge      int    `json:"edge"`
	From      string `json:"from"`
	Outcome   string `json:"outcome"`
	When      string `json:"when"`
	Live      bool   `json:"live"`
	Error     string `json:"error"`
	After     bool   `json:"after"`
	Else      bool   `json:"else"`
	NextCycle bool   `json:"next_cycle"`
}

// ParseRecord reads what AppendRecord wrote with journal. Empty lists come
// back as nil, times in UTC.
func ParseRecord(b []byte) (Record, error) {
	var l line
	if err := json.Unmarshal(b, &l); err != nil {
		return Record{}, fmt.Errorf("journal: not a record: %w", err)
	}
	body, err := l.body()
	if err != nil {
		return Record{}, fmt.Errorf("journal: record %d: %w", l.Seq, err)
	}
	return Record{Seq: l.Seq, Time: l.Time.UTC(), Stack: l.Stack, Cycle: l.Cycle, Body: body}, nil
}

func (l *line) body() (Body, error) {
	switch l.Type {
	case "stack.started":
		params, err := object(l.Params)
		if err != nil {
			return nil, err
		}
		state, err := object(l.State)
		return &StackStarted{Graph: l.Graph, Hash: l.Hash, Params: params, State: state}, err
	case "event.received":
		payload, err := decode(l.Payload)
		return &EventReceived{Event: l.Event, ID: l.ID, Payload: payload}, err
	case "cycle.started":
		return &CycleStarted{Hash: l.Hash, Mode: l.Mode, Faults: some(l.Faults)}, nil
	case "node.decided":
		return &NodeDecided{Wave: l.Wave, Node: l.Node, Run: l.Run, Reason: l.Reason, Edges: verdicts(l.Edges)}, nil
	case "wave.started":
		return &WaveStarted{Wave: l.Wave, Nodes: some(l.Nodes), Early: verdicts(l.Early)}, nil
	case "task.started":
		return &TaskStarted{Wave: l.Wave, Began: l.Began, Crashes: l.Crashes, Node: l.Node, Item: l.Item, Attempt: l.Attempt}, nil
	case "task.finished":
		output, err := decode(l.Output)
		b := &TaskFinished{
			Wave: l.Wave, Began: l.Began, Node: l.Node, Item: l.Item, Attempt: l.Attempt, Status: l.Status,
			Cached: l.Cached, CacheKey: l.CacheKey,
			Duration: l.DurationNS, Error: l.Error, Output: output, Tokens: l.Tokens, Cost: l.Cost,
		}
		if !l.RetryAt.IsZero() {
			b.RetryAt = l.RetryAt.UTC()
		}
		return b, err
	case "wave.committed":
		return &WaveCommitted{Wave: l.Wave, Changed: some(l.Changed), Settled: some(l.Settled)}, nil
	case "cycle.finished":
		return &CycleFinished{Waves: l.Waves, NodeRuns: l.NodeRuns, Failed: l.Failed, Active: l.Active, Pause: l.PauseNS, None: l.None, Faults: some(l.Faults)}, nil
	case "stack.finished":
		return &StackFinished{Status: Status(l.Status), Reason: l.Reason}, nil
	}
	return nil, fmt.Errorf("unknown type %q", l.Type)
}

func verdicts(lines []verdictLine) []Verdict {
	if len(lines) == 0 {
		return nil
	}
	out := make([]Verdict, len(lines))
	for i, l := range lines {
		out[i] = Verdict(l)
	}
	return out
}

func some[T any](s []T) []T {
	if len(s) == 0 {
		return nil
	}
	return s
}

// decode reads a value exactly: integers stay integers.
func decode(b json.RawMessage) (any, error) {
	if len(b) == 0 {
		return nil, nil
	}
	return value.Decode(b)
}

func object(b json.RawMessage) (map[string]any, error) {
	v, err := decode(b)
	m, _ := v.(map[string]any)
	return m, err
}
