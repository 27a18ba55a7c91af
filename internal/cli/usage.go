package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/graphrun/graphrun/diag"
)

// usagef is a mistake in how the program was called.
func usagef(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

// knownCommand is for commands that take no arguments of their own, only the
// names of other commands.
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	if help := diag.Suggest(args[0], names); help != "" {
		return usagef("unknown command %q, %s", args[0], help)
	}
	return usagef("unknown command %q, expected one of %s", args[0], strings.Join(names, ", "))
}

// arguments checks how many arguments there are; form is how they are written
// in the usage line. most < 0 is any number.
func arguments(least, most int, form string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return usagef("%s: expected %s", cmd.CommandPath(), form)
		case most >= 0 && len(args) > most:
			return usagef("%s: unexpected argument %q, expected %s", cmd.CommandPath(), args[most], form)
		}
		return nil
	}
}

// flagError makes a sentence of a flag that was given wrongly.
func flagError(cmd *cobra.Command, err error) error {
	var (
		unknown *pflag.NotExistError
		invalid *pflag.InvalidValueError
	)
	switch {
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "":
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
		name := "--" + unknown.GetSpecifiedName()
		if help := diag.Suggest(name, names); help != "" {
			return usagef("unknown flag %q, %s", name, help)
		}
		return usagef("unknown flag %q, `%s --help` lists all", name, cmd.CommandPath())
	case errors.As(err, &invalid):
		f := invalid.GetFlag()
		return usagef("--%s %q: expected %s", f.Name, invalid.GetValue(), valueName(f.Value.Type()))
	}
	return usagef("%w (`%s --help` lists all flags)", err, cmd.CommandPath())
}

// valueName says in words what a flag of a type takes.
func valueName(flagType string) string {
	switch flagType {
	case "int":
		return "a whole number"
	case "uint64":
		return "a whole number, 0 or more"
	case "duration":
		return `a duration as "500ms", "5s" or "1m30s"`
	case "bool":
		return "true or false"
	}
	return "a " + flagType
}
