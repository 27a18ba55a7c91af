package openai

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"

	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes/agent"
)

// embeddings is the answer to a question for vectors.
type embeddings struct {
	Data []struct {
		Index     *int            `json:"index"`
		Embedding json.RawMessage `json:"embedding"`
	} `json:"data"`
	Usage struct {
		Prompt int64 `json:"prompt_tokens"`
		Total  int64 `json:"total_tokens"`
	} `json:"usage"`
	Error any `json:"error"`
}

// Embed makes one vector for each text, in the order of the texts. All have the same
// number of dimensions. The provider may answer in floats or in base64.
func (m *model) Embed(ctx context.Context, name string, texts []string) ([][]float32, agent.Usage, error) {
	if len(texts) == 0 {
		return nil, agent.Usage{}, nil
	}
	in := make([]any, len(texts))
	for i, t := range texts {
		in[i] = t
	}
	body, err := value.Of(object{"model": name, "input": in})
	if err != nil {
		return nil, agent.Usage{}, &agent.Error{Message: "the texts cannot be written as JSON: " + err.Error()}
	}
	// A vector of 4096 numbers has at most some 100 KB as text.
	a, err := m.wire.Post(ctx, 1<<20+int64(len(texts))<<18, value.Append(nil, body.Any()), "embeddings")
	if err != nil {
		return nil, agent.Usage{}, err
	}
	defer a.Close()
	b, err := a.All()
	if err != nil {
		return nil, agent.Usage{}, err
	}
	var got embeddings
	if err := json.Unmarshal(b, &got); err != nil {
		return nil, agent.Usage{}, a.Error("the answer is not one of embeddings: %.200s", b)
	}
	if got.Error != nil {
		if err := a.Said(got.Error); err != nil {
			return nil, agent.Usage{}, err
		}
	}
	out := make([][]float32, len(texts))
	for i, d := range got.Data {
		if d.Index != nil {
			i = *d.Index
		}
		if i < 0 || i >= len(out) || out[i] != nil {
			return nil, agent.Usage{}, a.Error("the answer has a vector with index %d for %d texts", i, len(texts))
		}
		if out[i], err = vector(d.Embedding); err != nil {
			return nil, agent.Usage{}, a.Error("vector %d of the answer: %v", i, err)
		}
	}
	for i, v := range out {
		if len(v) == 0 || len(v) != len(out[0]) {
			return nil, agent.Usage{}, a.Error("the answer has %d numbers for text %d, and %d for the first", len(v), i+1, len(out[0]))
		}
	}
	used := agent.Usage{Input: max(got.Usage.Prompt, got.Usage.Total, 0)}
	used.Reported = used.Input > 0
	return out, used, nil
}

// errNumber is a number that cannot be compared with others.
var errNumber = errors.New("a number is not finite")

// vector reads numbers, or base64 of their 32 bits each, the lowest byte first.
func vector(b json.RawMessage) ([]float32, error) {
	if len(b) == 0 || b[0] != '"' {
		var v []float32
		return v, json.Unmarshal(b, &v)
	}
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return nil, err
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	if len(raw)%4 != 0 {
		return nil, base64.CorruptInputError(len(raw))
	}
	v := make([]float32, len(raw)/4)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		if f := float64(v[i]); math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, errNumber
		}
	}
	return v, nil
}
