// Package tree holds JSON values in which every part knows its place in the
// file: types, defaults and the `with` of nodes, before they are compiled.
package tree
