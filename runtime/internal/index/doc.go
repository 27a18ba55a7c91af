// Package index keeps in memory where each stack of a store stands, so that a list of some
// stacks costs what it lists, however many there are.
//
// An Index hears of every commit (Put) and of every removed stack (Remove). It begins with
// what is in the store already, which Fill brings in while stacks commit; until then it is not
// Ready. It knows ids, not contents: whoever asks reads the stacks that it names.
//
// A stack takes some 300 bytes, and 100 more for each moment at which questions to a person
// began that are still open.
package index
