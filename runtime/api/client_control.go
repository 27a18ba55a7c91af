package api

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/graphrun/graphrun/graph/journal"
)

// Server says who answers.
func (c *Client) Server(ctx context.Context) (s Server, err error) {
	err = c.call(ctx, http.MethodGet, "/v1/server", nil, &s)
	return s, err
}

// Stacks calls fn for each stack, sorted by id, while the list arrives. An error
// of fn ends it and comes back as it is.
func (c *Client) Stacks(ctx context.Context, fn func(Stack) error) error {
	return c.StacksWhere(ctx, StackQuery{}, fn)
}

// StackQuery says which stacks are wanted.
type StackQuery struct {
	Graph    string         // of this graph; "" means any
	Status   journal.Status // "" means any
	Children bool           // also those that do the work of nodes, which have Stack.Parent
}

// StacksWhere is Stacks for some of them.
func (c *Client) StacksWhere(ctx context.Context, q StackQuery, fn func(Stack) error) error {
	return c.stacks(ctx, q.values(), fn)
}

func (q *StackQuery) values() url.Values {
	v := url.Values{}
	if q.Graph != "" {
		v.Set("graph", q.Graph)
	}
	if q.Status != "" {
		v.Set("status", string(q.Status))
	}
	if q.Children {
		v.Set("children", "true")
	}
	return v
}

// stacks reads one page after the other.
func (c *Client) stacks(ctx context.Context, query url.Values, fn func(Stack) error) error {
	query.Set("limit", strconv.Itoa(MaxPage))
	for {
		next, err := c.page(ctx, query, fn)
		if err != nil || next == "" {
			return err
		}
		query.Set("after", next)
	}
}

// StacksPage is StacksWhere for at most so many stacks, 1 to MaxPage, whose ids come after one.
// next is the `after` of the page that follows; "" if this was the last one.
func (c *Client) StacksPage(ctx context.Context, q StackQuery, after string, limit int, fn func(Stack) error) (next string, err error) {
	v := q.values()
	v.Set("limit", strconv.Itoa(limit))
	v.Set("after", after)
	return c.page(ctx, v, fn)
}

// page reads a page while it arrives.
func (c *Client) page(ctx context.Context, query url.Values, fn func(Stack) error) (next string, err error) {
	resp, err := c.do(ctx, http.MethodGet, "/v1/stacks?"+query.Encode(), nil, "")
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	d := json.NewDecoder(resp.Body)
	for range 3 { // {"stacks":[
		if _, err := d.Token(); err != nil {
			return "", lost(ctx, err)
		}
	}
	for d.More() {
		var s Stack
		if err := d.Decode(&s); err != nil {
			return "", lost(ctx, err)
		}
		if err := fn(s); err != nil {
			return "", err
		}
	}
	for i := range 4 { // ] "next" ID }: a page without them is not whole
		t, err := d.Token()
		if err != nil {
			return "", lost(ctx, err)
		}
		if i == 2 {
			next, _ = t.(string) // null after the last page
		}
	}
	return next, nil
}

// Status is where a stack stands.
func (c *Client) Status(ctx context.Context, stack string) (s StackStatus, err error) {
	err = c.call(ctx, http.MethodGet, stackPath(stack, ""), nil, &s)
	return s, err
}

// State is a stack's state; at is CYCLE[.WAVE], or "" for now.
func (c *Client) State(ctx context.Context, stack, at string) (s State, err error) {
	err = c.call(ctx, http.MethodGet, stackPath(stack, "/state?at="+url.QueryEscape(at)), nil, &s)
	return s, err
}

// Start starts a stack. When it returns, the stack is on disk.
func (c *Client) Start(ctx context.Context, r StartRequest) (s Stack, err error) {
	err = c.call(ctx, http.MethodPost, "/v1/stacks", r, &s)
	return s, err
}

// Send sends an event. When it returns, the event is durable.
func (c *Client) Send(ctx context.Context, stack string, r EventRequest) (reply EventReply, err error) {
	err = c.call(ctx, http.MethodPost, stackPath(stack, "/events"), r, &reply)
	return reply, err
}

// Answer answers a waiting node. When it returns, the answer is durable.
func (c *Client) Answer(ctx context.Context, stack string, r AnswerRequest) error {
	return c.call(ctx, http.MethodPost, stackPath(stack, "/answers"), r, nil)
}

// Wake ends the pause of a stack between two cycles.
func (c *Client) Wake(ctx context.Context, stack string) error { return c.tell(ctx, stack, "wake") }

// Pause keeps a stack from starting new waves.
func (c *Client) Pause(ctx context.Context, stack string) error { return c.tell(ctx, stack, "pause") }

// Resume continues a stack that was paused.
func (c *Client) Resume(ctx context.Context, stack string) error { return c.tell(ctx, stack, "resume") }

// Stop lets a stack rest until Resume.
func (c *Client) Stop(ctx context.Context, stack string) error { return c.tell(ctx, stack, "stop") }

// Remove deletes a stack and its history.
func (c *Client) Remove(ctx context.Context, stack string) error { return c.tell(ctx, stack, "remove") }

// Cancel ends a stack as cancelled, or one of its tasks.
func (c *Client) Cancel(ctx context.Context, stack string, r CancelRequest) error {
	return c.call(ctx, http.MethodPost, stackPath(stack, "/cancel"), r, nil)
}

// Retry continues a stack that has ended.
func (c *Client) Retry(ctx context.Context, stack string, r RetryRequest) error {
	return c.call(ctx, http.MethodPost, stackPath(stack, "/retry"), r, nil)
}

// Fork makes a new stack that continues from a moment of another one. When it returns, the new
// stack is on disk.
func (c *Client) Fork(ctx context.Context, stack string, r ForkRequest) (s Stack, err error) {
	err = c.call(ctx, http.MethodPost, stackPath(stack, "/fork"), r, &s)
	return s, err
}

func (c *Client) tell(ctx context.Context, stack, what string) error {
	return c.call(ctx, http.MethodPost, stackPath(stack, "/"+what), Nothing{}, nil)
}

// Test is what a stack did as a test file, in cycles that are written as for `test --cycles`.
func (c *Client) Test(ctx context.Context, stack, cycles string) ([]byte, error) {
	resp, err := c.do(ctx, http.MethodGet, stackPath(stack, "/test?cycles="+url.QueryEscape(cycles)), nil, "")
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, lost(ctx, err)
	}
	return text, nil
}

// Approvals lists what waits for a person, the oldest question first: in stacks of a graph, or
// in all stacks if graph is "".
func (c *Client) Approvals(ctx context.Context, graph string) ([]Approval, error) {
	all := []Approval{}
	for after := ""; ; {
		page, next, err := c.ApprovalsPage(ctx, graph, after, MaxPage)
		if err != nil {
			return nil, err
		}
		if all = append(all, page...); next == "" {
			return all, nil
		}
		after = next
	}
}

// ApprovalsPage is Approvals for at most so many questions, 1 to MaxPage. after is "", or the
// next of the page before; next is "" if this was the last one.
func (c *Client) ApprovalsPage(ctx context.Context, graph, after string, limit int) (page []Approval, next string, err error) {
	v := url.Values{"limit": {strconv.Itoa(limit)}}
	for name, text := range map[string]string{"graph": graph, "after": after} {
		if text != "" {
			v.Set(name, text)
		}
	}
	var body approvalsBody
	err = c.call(ctx, http.MethodGet, "/v1/approvals?"+v.Encode(), nil, &body)
	if body.Next != nil {
		next = *body.Next
	}
	return body.Approvals, next, err
}

// Graphs lists the graphs that stacks can be started of by name.
func (c *Client) Graphs(ctx context.Context) ([]Graph, error) {
	var body graphsBody
	err := c.call(ctx, http.MethodGet, "/v1/graphs", nil, &body)
	return body.Graphs, err
}

// Reload makes the engine read its graph files again.
func (c *Client) Reload(ctx context.Context) (r Reloaded, err error) {
	err = c.call(ctx, http.MethodPost, "/v1/reload", Nothing{}, &r)
	return r, err
}

// Pools lists what runs and waits.
func (c *Client) Pools(ctx context.Context) ([]Pool, error) {
	var body poolsBody
	err := c.call(ctx, http.MethodGet, "/v1/pools", nil, &body)
	return body.Pools, err
}

// SetPool changes how many tasks a pool of a graph runs at once.
func (c *Client) SetPool(ctx context.Context, graph, pool string, parallel int) error {
	path := "/v1/graphs/" + url.PathEscape(graph) + "/pools/" + url.PathEscape(pool)
	return c.call(ctx, http.MethodPost, path, PoolRequest{&parallel}, nil)
}

// Backup copies the store to a file, whose path is absolute.
func (c *Client) Backup(ctx context.Context, file string) error {
	return c.call(ctx, http.MethodPost, "/v1/backup", FileRequest{file}, nil)
}

// Tokens lists the tokens of the engine's API, by name.
func (c *Client) Tokens(ctx context.Context) ([]TokenInfo, error) {
	var body tokensBody
	err := c.call(ctx, http.MethodGet, "/v1/tokens", nil, &body)
	return body.Tokens, err
}

// AddToken makes a token.
func (c *Client) AddToken(ctx context.Context, r TokenRequest) (t NewToken, err error) {
	err = c.call(ctx, http.MethodPost, "/v1/tokens", r, &t)
	return t, err
}

// RevokeToken makes a token worthless at once.
func (c *Client) RevokeToken(ctx context.Context, name string) error {
	return c.call(ctx, http.MethodPost, "/v1/tokens/"+url.PathEscape(name)+"/revoke", Nothing{}, nil)
}
