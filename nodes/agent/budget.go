package agent

import (
	"context"
	"fmt"
	"slices"

	"github.com/graphrun/graphrun/nodes"
)

// An agent may be a tool of an agent. What it uses counts in the budgets of all that call
// it while it works, and however it ends.

// account is what the work of one call has used so far that is an agent.
type account struct {
	outer *run
	used  Used // by all attempts of the call
	spent Used // of used: by this attempt of the task
}

type accountKey struct{}

// opened begins an account for a call.
func (r *run) opened() *account {
	a := &account{outer: r}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.live = append(r.live, a)
	return a
}

// sums are what a task has used, and this attempt of it, with the calls that are not over.
func (r *run) sums() (total, spent Used) {
	r.mu.Lock()
	defer r.mu.Unlock()
	total, spent = r.total, r.spent
	for _, a := range r.live {
		total.add(a.used)
		spent.add(a.spent)
	}
	return total, spent
}

// report tells the agents that call this one what it has used.
func (r *run) report() {
	for a := r.account; a != nil; a = a.outer.account {
		used, spent := r.sums()
		a.outer.mu.Lock()
		a.used, a.spent = used, spent
		a.outer.mu.Unlock()
		r = a.outer
	}
}

// affords refuses a question that would pass a budget of the task, or of an agent that calls it,
// or a limit of the stack.
func (r *run) affords(estimate int64, c *choice) error {
	cost := 0.0
	if c.priced {
		cost = float64(estimate) * c.price.Input / perPrice
	}
	refuse := func(format string, args ...any) *nodes.Error {
		return nodes.Permanent(nodes.Errorf("limit", format, args...))
	}
	for at := r; ; at = at.account.outer {
		total, spent := at.sums()
		whose := ""
		if at != r {
			whose = " of the agent that calls this one"
		}
		switch tokens := total.tokens(); {
		case tokens >= at.o.budgetTokens:
			return refuse("`budget.tokens`%s is reached: %d tokens of %d are used", whose, tokens, at.o.budgetTokens)
		case tokens+estimate > at.o.budgetTokens:
			return refuse("`budget.tokens`%s would be passed: %d tokens of %d are used, and the next question has about %d",
				whose, tokens, at.o.budgetTokens, estimate)
		case at.o.budgetCost > 0 && (total.Cost >= at.o.budgetCost || total.Cost+cost > at.o.budgetCost):
			return refuse("`budget.cost`%s is reached: %s of %s are spent, and the next question costs about %s",
				whose, amount(total.Cost), amount(at.o.budgetCost), amount(cost))
		}
		if at.account != nil {
			continue
		}
		if left := at.t.LeftTokens; left != nil && (spent.tokens() >= *left || spent.tokens()+estimate > *left) {
			return ends("tokens", refuse("`limits.tokens` of the stack is reached: %d tokens are left, and the next question has about %d",
				max(0, *left-spent.tokens()), estimate))
		}
		if left := at.t.LeftCost; left != nil && (spent.Cost >= *left || spent.Cost+cost > *left) {
			return ends("cost", refuse("`limits.cost` of the stack is reached: %s are left, and the next question costs about %s",
				amount(max(0, *left-spent.Cost)), amount(cost)))
		}
		return nil
	}
}

// ends says that a limit of the stack is reached: the stack ends with it.
func ends(limit string, e *nodes.Error) *nodes.Error {
	e.Limit = limit
	return e
}

func amount(cost float64) string { return fmt.Sprintf("%.4g", cost) }

// accountOf is the account of the call that an agent is the work of; nil if it is none.
func accountOf(ctx context.Context) *account {
	a, _ := ctx.Value(accountKey{}).(*account)
	return a
}

// closed ends the account of a call, and gives what this attempt spent on it.
func (r *run) closed(p *pending) Used {
	if p.account == nil {
		return Used{} // it was not made
	}
	r.live = slices.DeleteFunc(r.live, func(a *account) bool { return a == p.account })
	return p.account.spent
}
