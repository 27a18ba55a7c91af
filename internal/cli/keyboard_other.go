//go:build !(linux || darwin || freebsd || netbsd || openbsd)

package cli

// keyboard is for terminals that this program can set; here questions are answered by
// commands.
type keyboard struct{}

func keyboardOf(any) *keyboard { return nil }

func (*keyboard) pressed() []byte { return nil }
func (*keyboard) rest()           {}
