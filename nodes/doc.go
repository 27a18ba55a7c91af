// Package nodes is the contract between the engine and the work that it runs.
//
// A kind of node is a Spec: its name, the fields of its `with`, the type of its
// output, and a Node that does the work. A Registry holds the kinds that a program
// knows; it is a value, nothing is global. Func makes a kind of a Go function:
//
//	greet := nodes.Func("greet", func(ctx context.Context, in struct{ Name string }) (string, error) {
//		return "Hello, " + in.Name, nil
//	})
//	err := kinds.Register(greet)
//
// A Node gets a Task and returns a Result or an error. A Task may run more than
// once: after a crash, a timeout or a retry it has the same Key and a higher
// Attempt. Work that must not happen twice uses the Key to recognize itself, and
// work with several parts runs each of them in a Step: what an earlier attempt did is
// not done again.
//
// An attempt is over when Run returns, and only then does anything follow it: end all
// that runs when the context is cancelled. A kind whose work can outlive the process
// is a Cleaner, one with a resource for all its attempts is an Opener.
package nodes
