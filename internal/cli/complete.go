package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
)

const (
	// completeWithin is how long the shell waits for what may stand at a place: what is
	// not known by then is not offered.
	completeWithin = 200 * time.Millisecond
	// manyOffered bounds what a shell is offered.
	manyOffered = 1000
)

// words gives what may stand at the cursor; given are the arguments before it. A word may
// have a description behind a tab.
type words func(ctx context.Context, c *api.Client, given []string) ([]string, error)

// complete asks the owner of the store, or the store itself where nobody owns it.
func (a *app) complete(of words) cobra.CompletionFunc {
	return func(cmd *cobra.Command, given []string, begun string) ([]string, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(cmd.Context(), completeWithin)
		defer cancel()
		got := make(chan []string, 1)
		go func() {
			quiet := *a
			quiet.err, quiet.verbose = io.Discard, false
			list, _ := quiet.offered(ctx, of, given) // a shell has no place for errors
			got <- list
		}()
		var list []string
		select {
		case list = <-got:
		case <-ctx.Done():
		}
		list = slices.DeleteFunc(list, func(w string) bool { return !strings.HasPrefix(w, begun) })
		return list[:min(len(list), manyOffered)], cobra.ShellCompDirectiveNoFileComp
	}
}

func (a *app) offered(ctx context.Context, of words, given []string) ([]string, error) {
	if real, err := filepath.EvalSymlinks(a.db); err == nil {
		a.db = real
	}
	c, err := a.connect(ctx, false)
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }() // it was only read
	return of(ctx, c, given)
}

// byArgument completes each argument with its own words; the last ones stand for all that
// follow if more is true.
func (a *app) byArgument(more bool, each ...words) cobra.CompletionFunc {
	return a.complete(func(ctx context.Context, c *api.Client, given []string) ([]string, error) {
		at := len(given)
		if more {
			at = min(at, len(each)-1)
		}
		if at >= len(each) || each[at] == nil {
			return nil, nil
		}
		list, err := each[at](ctx, c, given)
		if more {
			list = slices.DeleteFunc(list, func(w string) bool { return slices.Contains(given, before(w)) })
		}
		return list, err
	})
}

// before is a word without its description.
func before(word string) string {
	word, _, _ = strings.Cut(word, "\t")
	return word
}

// stackWords are the stacks that keep, if it is not nil, wants.
func stackWords(keep func(api.Stack) bool) words {
	return func(ctx context.Context, c *api.Client, _ []string) (list []string, err error) {
		enough := errors.New("enough")
		err = c.Stacks(ctx, func(s api.Stack) error {
			if keep == nil || keep(s) {
				list = append(list, s.Stack+"\t"+s.Graph+", "+string(s.Status))
			}
			if len(list) >= manyOffered {
				return enough
			}
			return nil
		})
		if errors.Is(err, enough) {
			err = nil
		}
		return list, err
	}
}

func isLive(s api.Stack) bool   { return !s.Status.Ended() }
func hasEnded(s api.Stack) bool { return s.Status.Ended() }
func isAsked(s api.Stack) bool  { return slices.ContainsFunc(s.Waiting, asks) }

func asks(w api.WaitingNode) bool { return w.Kind == "approval" || len(w.Calls) > 0 }

// askedWords are the places in a stack that wait for a person.
func askedWords(ctx context.Context, c *api.Client, given []string) (list []string, err error) {
	s, err := c.Status(ctx, given[0])
	for _, w := range s.Waiting {
		if asks(w) && !w.Answered {
			list = append(list, w.Path+"\t"+oneLine(w.Prompt))
		}
	}
	return list, err
}

// taskWords are the places of the tasks of a stack that are not over.
func taskWords(ctx context.Context, c *api.Client, given []string) (list []string, err error) {
	for _, stack := range given {
		s, err := c.Status(ctx, stack)
		if err != nil {
			return nil, err
		}
		for _, t := range s.Tasks {
			if t.State != runtime.TaskOver {
				list = append(list, t.Path+"\t"+string(t.State))
			}
		}
	}
	return list, nil
}

// nodeWords are the nodes of a stack, and the places of its tasks.
func nodeWords(ctx context.Context, c *api.Client, given []string) (list []string, err error) {
	d, err := definitionOf(ctx, c, given[0])
	if err != nil {
		return nil, err
	}
	for i := range d.Nodes {
		list = append(list, d.Nodes[i].ID.Value+"\t"+d.Nodes[i].Uses.Value)
	}
	s, err := c.Status(ctx, given[0])
	for _, t := range s.Tasks {
		if t.Path != t.Node {
			list = append(list, t.Path+"\t"+cmp.Or(t.Status, string(t.State)))
		}
	}
	return list, err
}

// eventWords are the events that a stack takes, or one within it.
func eventWords(ctx context.Context, c *api.Client, given []string) (list []string, err error) {
	children, err := inspect.Children(ctx, c.Store(), given[0], false)
	if err != nil {
		return nil, err
	}
	stacks := []string{given[0]}
	for i := range children {
		stacks = append(stacks, children[i].Summary.Identity.Stack)
	}
	for _, stack := range stacks {
		d, err := definitionOf(ctx, c, stack)
		if err != nil {
			return list, err
		}
		for i := range d.Events {
			if name := d.Events[i].Name.Value; !slices.Contains(list, name) {
				list = append(list, name)
			}
		}
	}
	return list, nil
}

func definitionOf(ctx context.Context, c *api.Client, stack string) (d graph.Def, err error) {
	sum, err := c.Store().Stack(ctx, stack)
	if err != nil {
		return d, err
	}
	kept, err := c.Store().Graph(ctx, sum.Cursor.Hash)
	if err != nil {
		return d, err
	}
	return d, json.Unmarshal(kept.Def, &d)
}

// itemWords are the keys of elements of a node that waits or runs.
func itemWords(node func(given []string) string) words {
	return func(ctx context.Context, c *api.Client, given []string) (list []string, err error) {
		if len(given) == 0 {
			return nil, nil
		}
		s, err := c.Status(ctx, given[0])
		add := func(path, item string) {
			p, err := journal.ParsePlace(path)
			if err != nil || item == "" || slices.Contains(list, item) {
				return
			}
			p[len(p)-1].Item = ""
			if p.String() == node(given) {
				list = append(list, item)
			}
		}
		for _, w := range s.Waiting {
			add(w.Path, w.Item)
		}
		for _, t := range s.Tasks {
			if t.State != runtime.TaskOver {
				add(t.Path, t.Item)
			}
		}
		return list, err
	}
}

// questionWords are the ids of what a place waits for: of questions, or of calls.
func questionWords(calls bool) words {
	return func(ctx context.Context, c *api.Client, given []string) (list []string, err error) {
		if len(given) < 2 {
			return nil, nil
		}
		s, err := c.Status(ctx, given[0])
		for _, w := range s.Waiting {
			if w.Path != given[1] {
				continue
			}
			if !calls {
				list = append(list, w.ID+"\t"+oneLine(w.Prompt))
			}
			for i := 0; calls && i < len(w.Calls); i++ {
				list = append(list, w.Calls[i].ID+"\t"+w.Calls[i].Tool)
			}
		}
		return list, err
	}
}

// graphWords are the graphs that are served and those that stacks run.
func graphWords(ctx context.Context, c *api.Client, _ []string) (list []string, err error) {
	served, err := c.Graphs(ctx)
	for _, g := range served {
		list = append(list, g.Graph)
	}
	return list, err
}

// usedGraphWords are the graphs of stacks.
func usedGraphWords(ctx context.Context, c *api.Client, _ []string) (list []string, err error) {
	err = c.StacksWhere(ctx, api.StackQuery{Children: true}, func(s api.Stack) error {
		if !slices.Contains(list, s.Graph) {
			list = append(list, s.Graph)
		}
		return nil
	})
	return list, err
}

// poolGraphWords are the graphs that have pools, and poolWords the pools of one.
func poolGraphWords(ctx context.Context, c *api.Client, _ []string) (list []string, err error) {
	pools, err := c.Pools(ctx)
	for _, p := range pools {
		if !slices.Contains(list, p.Graph) {
			list = append(list, p.Graph)
		}
	}
	return list, err
}

func poolWords(ctx context.Context, c *api.Client, given []string) (list []string, err error) {
	pools, err := c.Pools(ctx)
	for _, p := range pools {
		if p.Graph == given[0] {
			list = append(list, p.Pool)
		}
	}
	return list, err
}

// fixedWords are always the same.
func fixedWords(all ...string) words {
	return func(context.Context, *api.Client, []string) ([]string, error) { return all, nil }
}

// tokenWords are the tokens that can be revoked.
func tokenWords(ctx context.Context, c *api.Client, given []string) (list []string, err error) {
	if given[0] != "revoke" {
		return nil, nil
	}
	tokens, err := c.Tokens(ctx)
	for _, t := range tokens {
		list = append(list, t.Name+"\t"+string(t.Role))
	}
	return list, err
}

// fileWords are the graph files and folders whose names begin with what was typed.
func fileWords(begun string) (list []string) {
	dir, _ := filepath.Split(begun)
	entries, err := os.ReadDir(cmp.Or(dir, "."))
	if err != nil {
		return nil
	}
	for _, e := range entries {
		name := dir + e.Name()
		switch ext := filepath.Ext(name); {
		case strings.HasPrefix(e.Name(), ".") || !strings.HasPrefix(name, begun):
		case e.IsDir():
			list = append(list, name+string(filepath.Separator))
		case ext == ".yaml" || ext == ".yml" || ext == ".json":
			list = append(list, name)
		}
	}
	return list
}

// orFiles adds files to other words; more says that several may be given.
func (a *app) orFiles(more bool, of words) cobra.CompletionFunc {
	others := func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) { return nil, 0 }
	if of != nil {
		others = a.complete(of)
	}
	return func(cmd *cobra.Command, given []string, begun string) ([]string, cobra.ShellCompDirective) {
		if len(given) > 0 && !more {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		list, _ := others(cmd, given, begun)
		files := fileWords(begun)
		directive := cobra.ShellCompDirectiveNoFileComp
		if len(list) == 0 && len(files) == 1 && strings.HasSuffix(files[0], string(filepath.Separator)) {
			directive |= cobra.ShellCompDirectiveNoSpace // what is in the folder follows
		}
		list = append(list, files...)
		return list[:min(len(list), manyOffered)], directive
	}
}

// completeAll says for each command what its arguments and flags may be.
func (a *app) completeAll(root *cobra.Command) {
	stacks, live, ended := stackWords(nil), stackWords(isLive), stackWords(hasEnded)
	secondOf := func(given []string) string {
		if len(given) < 2 {
			return ""
		}
		return given[1]
	}
	arguments := map[string]cobra.CompletionFunc{
		"status": a.byArgument(false, stacks), "history": a.byArgument(false, stacks), "trace": a.byArgument(false, stacks),
		"state": a.byArgument(false, stacks), "diff": a.byArgument(false, stacks), "eval": a.byArgument(false, stacks), "replay": a.byArgument(false, stacks), "backtest": a.orFiles(true, stacks), "logs": a.byArgument(false, stacks, nodeWords),
		"pause": a.byArgument(true, live), "resume": a.byArgument(true, live), "stop": a.byArgument(true, live),
		"wake": a.byArgument(true, live), "cancel": a.byArgument(true, live), "rm": a.byArgument(true, ended), "retry": a.byArgument(true, ended), "fork": a.byArgument(false, stacks),
		"send":    a.byArgument(false, live, eventWords),
		"approve": a.byArgument(false, stackWords(isAsked), askedWords), "reject": a.byArgument(false, stackWords(isAsked), askedWords),
		"pool": a.byArgument(false, poolGraphWords, poolWords), "ps": a.byArgument(false),
		"run": a.orFiles(false, nil), "graph": a.orFiles(false, nil), "explore": a.orFiles(false, nil), "validate": a.orFiles(true, nil), "fmt": a.orFiles(true, nil),
		"test": a.orFiles(true, nil), "serve": a.orFiles(true, nil), "models": a.orFiles(true, nil),
		"token": a.byArgument(false, fixedWords("add", "list", "revoke"), tokenWords),
		"start": a.orFiles(false, graphWords), "plan": a.orFiles(false, stacks),
	}
	choice := func(of ...string) cobra.CompletionFunc {
		return cobra.FixedCompletions(of, cobra.ShellCompDirectiveNoFileComp)
	}
	itemOfNode := func(cmd *cobra.Command, given []string, begun string) ([]string, cobra.ShellCompDirective) {
		node, _ := cmd.Flags().GetString("node") // a flag that cancel has
		return a.complete(itemWords(func([]string) string { return node }))(cmd, given, begun)
	}
	flags := map[string]map[string]cobra.CompletionFunc{
		"cancel": {"node": a.complete(taskWords), "item": itemOfNode},
		"graph":  {"stack": a.complete(stacks)},
		"run":    {"stack": a.complete(stacks), "durability": choice("wave", "cycle", "none")},
		"start":  {"stack": a.complete(stacks)},
		"token":  {"graph": a.complete(graphWords), "role": choice("read", "operate", "admin")},
		"ps":     {"graph": a.complete(usedGraphWords), "status": choice(stackStatuses...)},
	}
	for _, name := range []string{"approve", "reject"} {
		flags[name] = map[string]cobra.CompletionFunc{
			"item": a.complete(itemWords(secondOf)), "for": a.complete(questionWords(false)), "call": a.complete(questionWords(true)),
		}
	}
	for _, cmd := range root.Commands() {
		if of := arguments[cmd.Name()]; of != nil {
			cmd.ValidArgsFunction = of
		}
		for name, of := range flags[cmd.Name()] {
			if err := cmd.RegisterFlagCompletionFunc(name, of); err != nil {
				panic(err) // a flag that the command does not have
			}
		}
	}
	if err := root.RegisterFlagCompletionFunc("output", choice("text", "json")); err != nil {
		panic(err)
	}
}
