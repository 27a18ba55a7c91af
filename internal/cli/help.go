package cli

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// pageColumns is how wide a page of help is, where the terminal is not narrower.
const pageColumns = 80

// helpCommand is `help`. An unknown command is wrong usage.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Show what a command does and takes",
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			about, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return knownCommand(root, args)
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
	}
}

// describe gives all commands their pages, and prints help in one form.
func (a *app) describe(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	p := a.self()
	words := strings.NewReplacer(graphrun.Runner, p.Runner, graphrun.Name+" ", p.Name+" ", "_"+graphrun.Name, "_"+p.Name)
	for _, cmd := range root.Commands() {
		page := pages[cmd.Name()]
		cmd.Long = cmp.Or(cmd.Long, words.Replace(page.text))
		cmd.Example = cmp.Or(cmd.Example, words.Replace(page.example))
		cmd.Flags().BoolP("help", "h", false, "show this page")
	}
	root.Long = p.Long + "\n\n" + exitCodes
	root.Flags().BoolP("help", "h", false, "show this page")
	root.Flags().Bool("version", false, "print the version")
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		columns := terminalColumns(a.out)
		if columns == 0 || columns > pageColumns {
			columns = pageColumns
		}
		a.printf("%s", helpPage(cmd, columns))
	})
}

// helpPage is the help of a command, at most so many columns wide as long as the
// words and examples permit.
func helpPage(cmd *cobra.Command, columns int) string {
	var b strings.Builder
	long := cmd.Long
	if long == "" {
		long = cmd.Short + "."
	}
	for _, paragraph := range strings.Split(long, "\n\n") {
		b.WriteString(strings.Join(reflow(paragraph, columns), "\n") + "\n\n")
	}
	fmt.Fprintf(&b, "Usage:\n  %s\n", usageLine(cmd))
	if cmd.Example != "" {
		fmt.Fprintf(&b, "\nExamples:\n%s\n", cmd.Example)
	}
	if cmd.HasSubCommands() {
		b.WriteString(commandList(cmd, columns))
	}
	section := func(title string, flags *pflag.FlagSet) {
		if flags.HasAvailableFlags() {
			fmt.Fprintf(&b, "\n%s:\n%s\n", title, strings.TrimRight(flags.FlagUsagesWrapped(columns), "\n"))
		}
	}
	section("Flags", cmd.LocalFlags())
	section("Global flags", cmd.InheritedFlags())
	if cmd.HasSubCommands() {
		fmt.Fprintf(&b, "\n\"%s COMMAND --help\" says more about a command.\n", cmd.Name())
	}
	return b.String()
}

func usageLine(cmd *cobra.Command) string {
	if cmd.HasSubCommands() {
		return cmd.CommandPath() + " COMMAND [flags]"
	}
	return cmd.UseLine()
}

// reflow breaks a paragraph to so many columns. Lines that are indented stay as
// they are, and so does a paragraph that fits.
func reflow(paragraph string, columns int) (lines []string) {
	var text []string
	flush := func() {
		lines = append(lines, wrap(strings.Join(text, " "), columns, "")...)
		text = nil
	}
	for _, line := range strings.Split(paragraph, "\n") {
		switch {
		case strings.HasPrefix(line, " "):
			flush()
			lines = append(lines, line)
		case strings.HasSuffix(line, ":"):
			text = append(text, line)
			flush()
		default:
			text = append(text, line)
		}
	}
	flush()
	return lines
}

// commandList lists commands by their groups.
func commandList(root *cobra.Command, columns int) string {
	var b strings.Builder
	for _, group := range groups {
		title := "\n" + group + ":\n" // of a group that has commands
		for _, cmd := range root.Commands() {
			if cmp.Or(pages[cmd.Name()].group, groupRun) != group {
				continue
			}
			b.WriteString(title)
			title = ""
			const indent = 14
			for i, line := range wrap(cmd.Short, max(20, columns-indent), "") {
				name := ""
				if i == 0 {
					name = cmd.Name()
				}
				fmt.Fprintf(&b, "  %-*s%s\n", indent-2, name, line)
			}
		}
	}
	return b.String()
}
