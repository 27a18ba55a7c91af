package agent

import (
	"context"

	"github.com/graphrun/graphrun/nodes"
)

// Embed makes vectors of texts with a model of the task's graph, PROVIDER/MODEL. It
// counts in the rates of the provider, and what it uses is spent (nodes.Spend). Errors
// are *nodes.Error, or the cause of ctx.
func (a *Agents) Embed(ctx context.Context, t nodes.Task, model string, texts []string) ([][]float32, error) {
	if len(texts) == 0 {
		return nil, nil
	}
	if t.Of == nil {
		return nil, bad("the driver does not say which graph the task is of")
	}
	p, name, err := t.Of.Model(model)
	if err != nil {
		return nil, bad("%v", err)
	}
	cl, err := a.open(p, t.Of.Dir, t.Secret, defaultTimeout)
	if err != nil {
		return nil, err
	}
	e, ok := cl.model.(Embedder)
	if !ok {
		return nil, bad("provider %q makes no vectors: api %q", p.Name, p.API)
	}
	bytes := 0
	for _, text := range texts {
		bytes += len(text)
	}
	estimate := int64(bytes/tokenBytes) + 1
	c := newChoice(p, name)
	var vectors [][]float32
	f, err := a.persist(ctx, &t, cl, &c, estimate, nil, func(ctx context.Context) (Used, error, error) {
		got, u, refused := e.Embed(ctx, name, texts)
		switch {
		case ctx.Err() != nil:
			return Used{}, nil, context.Cause(ctx)
		case asNodes(refused) != nil:
			return Used{}, nil, refused
		case refused != nil:
			return Used{}, refused, nil
		case len(got) != len(texts):
			return Used{}, &Error{Message: counted(len(got), "vector") + " came for " + counted(len(texts), "text")}, nil
		}
		used := Answer{Input: u.Input, Output: u.Output, Cached: u.Cached}
		if !u.Reported {
			used = Answer{Input: estimate}
		}
		spent := usedBy(&c, used)
		nodes.Spend(ctx, spent.tokens(), spent.Cost)
		vectors = got
		return spent, nil, nil
	})
	if err != nil {
		return nil, err
	}
	if f != nil {
		return nil, failed([]failure{*f}, &t.Retry)
	}
	return vectors, nil
}
