package cli

import "github.com/graphrun/graphrun/diag"

// itself is how this program is called so that it reaches the same store from the same folder.
type itself struct{ db string }

func (a *app) itself() itself { return itself{a.db} }

// answer is the command that answers a question, of a call if there is one. It can be copied
// into a shell as it stands.
func (i itself) answer(stack, node, item, call string) string {
	s := "graphrun approve " + diag.ShellWord(stack) + " " + diag.ShellWord(node)
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
		return ""
	}
	return " --db " + diag.ShellWord(i.db)
}
