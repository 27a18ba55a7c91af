//go:build !linux

package boltstore

import (
	"errors"
	"os"
)

// openUnnamed says that files have names from the beginning here.
func openUnnamed(string) (*os.File, error) { return nil, errors.ErrUnsupported }

// unnamedPath is never asked for.
func unnamedPath(*os.File) string { return "" }

func nameUnnamed(*os.File, string) error { return errors.ErrUnsupported }
