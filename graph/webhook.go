package graph

import (
	"fmt"
	"slices"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/value"
)

// WebhookDef makes events of the requests of another service.
type WebhookDef struct {
	Name    diag.Text `json:"name"`
	Secret  diag.Text `json:"secret"` // the secret of the graph that requests are signed with
	To      diag.Text `json:"to"`     // expression: the id of the stack
	Event   diag.Text `json:"event"`
	Payload diag.Text `json:"payload"`     // expression
	ID      diag.Text `json:"id,omitzero"` // expression: of the event, or null
}

// Webhook is a compiled WebhookDef.
type Webhook struct {
	Name   string
	Secret string
	Event  int // index in Graph.Events

	to, payload, id *cond.Program // id may be nil
}

// Request is what the expressions of a webhook see, as canonical values.
type Request struct {
	Body    any            // the decoded JSON, or the text of a body that is no JSON
	Headers map[string]any // texts by name in small letters
	Query   map[string]any // texts by name
}

// Delivery is the event that a request stands for.
type Delivery struct {
	To      string // id of the stack
	Event   string
	Payload any    // of the event's type
	ID      string // of the event; "" for none
}

const noRequest = "a webhook sees `body`, `headers` and `query` only: nobody knows yet which stack the request is for"

var textsType = schema.MapOf(schema.StringType)

// compileWebhooks needs the events and the secrets.
func (c *compiler) compileWebhooks() {
	if len(c.def.Webhooks) == 0 {
		return
	}
	scope := cond.NewScope(forbidden(noRequest, diag.UnknownName,
		"state", "params", "nodes", "stack", "cycle", "now", "error", "output", "index", "old", "new", "args", "messages", "usage")...).
		With(forbidden(noSecret, diag.SecretLeak, "secrets")...).
		With(cond.Name{Name: "body", Type: schema.AnyType, Slot: SlotBody},
			cond.Name{Name: "headers", Type: textsType, Slot: SlotHeaders}, cond.Name{Name: "query", Type: textsType, Slot: SlotQuery})
	for i := range c.def.Webhooks {
		d := &c.def.Webhooks[i]
		w := Webhook{Name: d.Name.Value, Secret: d.Secret.Value, Event: -1}
		c.checkSecretName(d.Secret)
		c.mention(NameOfEvent, d.Event)
		payload := schema.AnyType
		if e, ok := c.g.EventByName(d.Event.Value); ok {
			w.Event, payload = e, c.g.Events[e].Type
		} else if d.Event.Value != "" {
			c.unknown(diag.UnknownEvent, "event", d.Event, c.g.EventNames())
		}
		w.to = c.requestExpr(d.To, scope, schema.StringType.OrNull())
		w.payload = c.requestExpr(d.Payload, scope, payload)
		w.id = c.requestExpr(d.ID, scope, schema.StringType.OrNull())
		c.g.Webhooks = append(c.g.Webhooks, w)
	}
}

// requestExpr compiles an expression over a request; nil for one that is not there.
func (c *compiler) requestExpr(text diag.Text, scope *cond.Scope, want *schema.Type) *cond.Program {
	if text.Value == "" && text.Span.IsZero() {
		return nil
	}
	return c.expr(text, scope, cond.Want{Type: want})
}

// checkSecretName reports a secret that the graph does not declare.
func (c *compiler) checkSecretName(name diag.Text) {
	if name.Value == "" {
		return
	}
	c.mention(NameOfSecret, name)
	if slices.Contains(c.g.Secrets, name.Value) {
		return
	}
	c.unknown(diag.UnknownName, "secret", name, c.g.Secrets)
}

// signsWith reports whether requests or notices are signed with a secret.
func (c *compiler) signsWith(secret string) bool {
	return slices.ContainsFunc(c.def.Hooks, func(h HookDef) bool { return h.Secret.Value == secret }) || slices.ContainsFunc(c.def.Webhooks, func(w WebhookDef) bool { return w.Secret.Value == secret })
}

// WebhookByName finds a webhook.
func (g *Graph) WebhookByName(name string) (*Webhook, bool) {
	for i := range g.Webhooks {
		if g.Webhooks[i].Name == name {
			return &g.Webhooks[i], true
		}
	}
	return nil, false
}

// Deliver says which event a request stands for. The error names the field of the webhook that
// the request does not fit. It is safe for concurrent use.
func (g *Graph) Deliver(w *Webhook, r Request) (Delivery, error) {
	env := &cond.Env{Slots: make([]any, NumSlots)}
	env.Slots[SlotBody], env.Slots[SlotHeaders], env.Slots[SlotQuery] = r.Body, r.Headers, r.Query
	out := Delivery{Event: g.Events[w.Event].Name}
	to, err := w.to.Eval(env)
	if err != nil {
		return Delivery{}, fmt.Errorf("to: %w", err)
	}
	var ok bool
	if out.To, ok = to.(string); !ok || out.To == "" {
		return Delivery{}, fmt.Errorf("to: expected the id of a stack, found %s", diag.Shorten(value.String(to), 100))
	}
	if out.Payload, err = w.payload.Eval(env); err == nil {
		out.Payload, err = g.CheckPayload(w.Event, "payload", out.Payload)
	}
	if err != nil {
		return Delivery{}, fmt.Errorf("payload: %w", err)
	}
	if w.id == nil {
		return out, nil
	}
	id, err := w.id.Eval(env)
	if err != nil {
		return Delivery{}, fmt.Errorf("id: %w", err)
	}
	if out.ID, ok = id.(string); !ok && id != nil {
		return Delivery{}, fmt.Errorf("id: expected a text, found %s", diag.Shorten(value.String(id), 100))
	}
	return out, nil
}
