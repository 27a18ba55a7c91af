package agent

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/nodes"
)

const (
	tries = 3 // of one question, where trying again may help
	// longestWait is how long a provider may make a question wait; the next model, or the
	// next attempt, takes over where it asks for more.
	longestWait = 30 * time.Second
)

// failure is why a model gave no answer to a question.
type failure struct {
	message   string
	permanent bool
	wait      time.Duration // the least time before it may be asked again
}

// said is an error of a client, fit for people.
type said struct {
	err     *Error
	message string
}

// said names the model and its host in what went wrong, and takes the key out.
func (a *Agents) said(err error, cl *client, c *choice) said {
	var e *Error
	if !errors.As(err, &e) || e == nil {
		e = &Error{Message: err.Error()}
	}
	message := e.Message
	if message == "" {
		message = "no reason was given"
	}
	at := ""
	if cl.host != "" && !strings.Contains(message, cl.host) {
		at = " at " + cl.host
	}
	return said{e, c.name + at + ": " + without(message, cl.key)}
}

// fate says what follows a failed try.
type fate int

const (
	again     fate = iota // ask again after a while
	cutOff                // ask again, once, at once
	next                  // the next model may answer
	forbidden             // neither this model nor this question will ever do
)

func fateOf(e *Error) fate {
	switch {
	case e.Cut:
		return cutOff
	case e.Status == 408, e.Status == 409, e.Status == 425, e.Status == 429, e.Status >= 500:
		return again
	case e.Status >= 400:
		return forbidden
	}
	return next // refused, timed out, rubbish, an error within a 200
}

// retried reports whether the same model may be asked again after an error.
func retried(e *Error) bool { f := fateOf(e); return f == again || f == cutOff }

// persist calls try until it succeeds, or the model has failed for this question. try
// returns what the client said in refused, and in err what ends the attempt. may is asked
// before each try, unless it is nil; its error ends the attempt too.
func (a *Agents) persist(ctx context.Context, t *nodes.Task, cl *client, c *choice, estimate int64, may func() error,
	try func(context.Context) (used Used, refused, err error)) (*failure, error) {
	cuts := 0
	for n := 1; ; n++ {
		leave, err := cl.gate.enter(ctx, t.Rest, estimate)
		if err != nil {
			return nil, err
		}
		if may != nil {
			if err := may(); err != nil {
				leave(0)
				return nil, err
			}
		}
		refused, err := func() (error, error) {
			var used Used
			problem := "it panicked"
			defer func() { // also after a panic
				leave(used.tokens())
				cl.gate.count(c.nameIn(), used, problem)
			}()
			var refused, err error
			used, refused, err = try(ctx)
			switch problem = ""; {
			case refused != nil:
				problem = a.said(refused, cl, c).message
			case err != nil && ctx.Err() == nil:
				problem = without(err.Error(), cl.key)
			}
			return refused, err
		}()
		if err != nil || refused == nil {
			return nil, err
		}
		s := a.said(refused, cl, c)
		f := &failure{message: s.message}
		why, wait := heldByBackoff, time.Duration(0)
		switch fateOf(s.err) {
		case forbidden:
			f.permanent = true
			return f, nil
		case next:
			return f, nil
		case cutOff:
			if cuts++; cuts > 1 {
				return f, nil
			}
		case again:
			if s.err.HasRetryAfter {
				why, wait = heldByProvider, s.err.RetryAfter
				f.wait = wait
				cl.gate.refuses(wait)
			} else {
				wait = backoff(&t.Retry, n)
			}
			long := f.wait > longestWait
			if long { // this may be why no attempt follows, or such a late one
				f.message += " (it may be asked again in " + f.wait.Round(time.Second).String() + ")"
			}
			if n >= tries || long {
				return f, nil
			}
		}
		over := cl.gate.hold(why, wait)
		err = sleep(ctx, t.Rest, wait)
		over()
		if err != nil {
			return nil, err
		}
	}
}

// backoff is the pause after a failed try, as the node's `retry` has it.
func backoff(r *graph.Retry, try int) time.Duration {
	d := float64(r.Backoff) * math.Pow(max(r.Factor, 1), float64(try-1))
	if r.MaxBackoff > 0 {
		d = min(d, float64(r.MaxBackoff))
	}
	if r.Jitter {
		d *= rand.Float64()
	}
	return time.Duration(min(d, float64(math.MaxInt64/2)))
}

// failed is the failure of an attempt for which no model answered.
func failed(all []failure, r *graph.Retry) error {
	e := &nodes.Error{Kind: "model", Permanent: true}
	var messages []string
	soonest := time.Duration(-1)
	for _, f := range all {
		messages = append(messages, f.message)
		if f.permanent || r.MaxBackoff > 0 && f.wait > r.MaxBackoff {
			continue
		}
		e.Permanent = false
		if soonest < 0 || f.wait < soonest {
			soonest = f.wait
		}
	}
	e.Message = strings.Join(messages, "; ")
	e.Wait = max(0, soonest)
	return e
}
