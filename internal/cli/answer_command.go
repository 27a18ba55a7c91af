package cli

import (
	"cmp"

	"github.com/spf13/pflag"

	"github.com/graphrun/graphrun/diag"
)

// itself is how this program is called so that it reaches the same stacks from the same folder.
type itself struct {
	program string // "" is graphrun
	db      string
	flags   string // of another backend, as they continue a command
}

func (a *app) itself() itself {
	if a.inFile() {
		return itself{db: a.db}
	}
	i := itself{program: a.name()}
	a.backendFlags.VisitAll(func(f *pflag.Flag) {
		if f.Changed {
			i.flags += " " + diag.ShellWord("--"+f.Name+"="+f.Value.String())
		}
	})
	return i
}

// answer is the command that answers a question, of a call if there is one. It can be copied
// into a shell as it stands.
func (i itself) answer(stack, node, item, call string) string {
	s := cmp.Or(i.program, graphrun.Name) + " approve " + diag.ShellWord(stack) + " " + diag.ShellWord(node)
	if call != "" {
		s += " --call " + diag.ShellWord(call)
	}
	if item != "" {
		s += " --item " + diag.ShellWord(item)
	}
	return s + i.store()
}

// retry is the command that continues a stack that has ended.
func (i itself) retry(stack string) string {
	return "graphrun retry " + diag.ShellWord(stack) + i.store()
}

// store are the words that name the store, as they continue a command.
func (i itself) store() string {
	if i.db == "" || i.db == defaultDB {
		return i.flags
	}
	return " --db " + diag.ShellWord(i.db)
}
