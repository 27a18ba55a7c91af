package cli

import (
	"cmp"
	"context"
	"errors"
	"os"

	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
	"github.com/graphrun/graphrun/runtime/boltstore"
	"github.com/graphrun/graphrun/runtime/feed"
	"github.com/graphrun/graphrun/serve"
)

// foreground is one stack that is driven in the foreground, and those who look
// on: a view for people, a trace for programs.
type foreground struct {
	app           *app
	flags         runFlags
	src           *dsl.Source
	params, state map[string]any

	view  view
	asked *asked
	trace *trace
	tap   tap // of models and MCP servers; nil if there is none
}

// run owns the store while it drives the stack, and gives it back before it
// returns: what it returns is on disk.
func (s *foreground) run(ctx context.Context) (result runtime.Result, err error) {
	store, err := s.app.openStore(s.flags.durability)
	if err != nil {
		return result, err
	}
	defer func() { err = firstOf(err, store.Close()) }()
	command := "run"
	if s.flags.retry != nil {
		command = "retry"
		if s.src, err = s.app.storedSource(ctx, store, s.flags.stack); err != nil {
			return result, err
		}
	}
	if s.trace, err = s.app.openTrace(ctx, s.flags.trace, filesOf(s.src)...); err != nil {
		return result, err
	}
	defer func() { err = firstOf(err, s.trace.close()) }()
	if s.flags.record != "" {
		r, opening := s.app.openRecording(ctx, s.flags.record, s.src.Graph, filesOf(s.src)...)
		if opening != nil {
			return result, opening
		}
		defer func() { err = firstOf(err, r.close()) }()
		s.tap = r
	}
	defer survivePipes()()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if s.trace != nil {
		s.trace.gone = cancel
	}
	s.view = s.app.viewFor(s.flags, s.src.Graph)
	defer s.view.close()
	w := newWork(s.app, s.tap)
	w.open(ctx)
	defer w.close() // after the runtime
	s.asked = newAsked(s.flags.stack, store)
	news, stop := s.listen(context.WithoutCancel(ctx))
	defer stop()
	rt, err := s.openRuntime(ctx, store, w, news)
	if err != nil {
		return result, err
	}
	defer func() { err = firstOf(err, rt.Close(s.app.hurry)) }()
	door := s.app.doorOptions(store, runtime.Durability(s.flags.durability), command)
	door.Providers = w.providers
	defer s.app.listenToCommands(rt, door)()
	stack, err := s.startOrResume(ctx, rt, store)
	if err != nil {
		return result, err
	}
	s.view.attach(s.door(ctx, rt))
	select {
	case <-stack.Done(): // it has ended already
	default:
		s.view.begin()
	}
	if result, err = stack.Wait(ctx); err == nil || ctx.Err() == nil {
		return result, err
	}
	s.view.stopping(s.flags.grace)
	err = rt.Close(s.app.hurry)
	result, waitErr := stack.Wait(context.WithoutCancel(ctx))
	return result, firstOf(waitErr, err)
}

// door leads the view to the stack.
func (s *foreground) door(ctx context.Context, rt *runtime.Runtime) door {
	return door{
		elements: func() map[string]progress {
			st, err := rt.Status(ctx, s.flags.stack)
			if err != nil {
				return nil // the view shows what it knows
			}
			far := map[string]progress{}
			for _, t := range st.Tasks {
				p := far[t.Node]
				p.of = max(p.of, t.Of)
				switch {
				case t.State == runtime.TaskOver && t.Error == nil:
					p.done++
				case t.State == runtime.TaskOver:
					p.failed++
				}
				far[t.Node] = p
			}
			return far
		},
		answer: func(q question, approved bool) error {
			word := map[string]any{"approved": approved, "comment": nil, "by": api.SystemUser()}
			return rt.AnswerWith(ctx, cmp.Or(q.in, s.flags.stack), q.node, runtime.AnswerOptions{Output: word, Item: q.item, For: q.id, Call: q.call})
		},
	}
}

// firstOf is the first error there is: what follows it comes of it.
func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// startOrResume begins a new stack, or continues the one of that name.
func (s *foreground) startOrResume(ctx context.Context, rt *runtime.Runtime, store runtime.Store) (*runtime.Stack, error) {
	ctx = runtime.As(ctx, api.SystemUser())
	id, g, stop := s.flags.stack, s.src.Graph, runtime.StopAfter{Cycles: s.flags.cycles, UntilIdle: s.flags.untilIdle}
	sum, err := store.Stack(ctx, id)
	switch {
	case errors.Is(err, runtime.ErrNotFound):
		return rt.Start(ctx, g, runtime.StartOptions{ID: id, Params: s.params, State: s.state, Source: s.src.Text, StopAfter: stop})
	case err != nil:
		return nil, err
	case len(s.params)+len(s.state) > 0:
		return nil, usagef("stack %q is there already: --param and --set are for new stacks (choose another --stack)", id)
	}
	s.view.from(sum.Cursor, s.asked.begin(ctx, g, &sum.Cursor))
	if s.flags.retry != nil {
		if !sum.Cursor.Status.Ended() {
			return nil, usagef("stack %q is %s: only one that has ended is retried (`graphrun serve`, or `graphrun run FILE --stack %s`, continues this one)", id, sum.Cursor.Status, id)
		}
		return rt.Retry(ctx, id, *s.flags.retry)
	}
	s.flags.ended = sum.Cursor.Status.Ended()
	return rt.Resume(ctx, id, runtime.ResumeOptions{Graph: g, Source: s.src.Text, StopAfter: stop})
}

// listen shows what becomes of the stack, and what its models say, until stop.
func (s *foreground) listen(ctx context.Context) (news *feed.Feed, stop func()) {
	news = feed.Of(func(c feed.Commit) {
		s.asked.take(ctx, c.Stack, &c.Cursor, s.view.standing)
		if c.Stack != s.flags.stack {
			return // one that a node of this stack runs, or that came in through the socket
		}
		s.trace.write(c.Records)
		for _, r := range c.Records {
			s.view.record(r)
		}
	})
	return news, news.OnDelta(s.flags.stack, s.view.delta)
}

func (s *foreground) openRuntime(ctx context.Context, store runtime.Store, w *work, news *feed.Feed) (*runtime.Runtime, error) {
	var notices runtime.Notices
	if s.flags.replay == "" { // nothing of a recording happens now
		notices = serve.Notices(nil, os.LookupEnv)
	}
	return runtime.Open(context.WithoutCancel(ctx), runtime.Config{
		Store: store, Kinds: w.kinds, Logger: s.app.logger(),
		Secret:   secretsOf(s.flags.replay != "", onlyGraph(s.src.Graph)),
		Parallel: s.flags.parallel, Grace: graceOf(s.flags.grace), FailOnStoreError: true,
		Feed: news, Notices: notices,
	})
}

// openStore opens the store of --db and owns it. What a weaker durability
// gives up is said.
func (a *app) openStore(durability string) (*boltstore.Store, error) {
	switch runtime.Durability(durability) {
	case runtime.DurabilityCycle:
		a.notef("graphrun: durability cycle: a power cut can lose the waves of an open cycle, which then run again\n")
	case runtime.DurabilityNone:
		a.notef("graphrun: durability none: a power cut can lose everything since the last clean end, and damage the store\n")
	}
	return boltstore.Open(a.db, boltstore.Options{Durability: runtime.Durability(durability), Logger: a.logger(), CreatedBy: "graphrun " + version})
}
