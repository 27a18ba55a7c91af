// Package place watches whether a path still leads to the file that was opened there. What
// is written to a file that was moved away, replaced or cut off is lost to whoever opens
// the path next, so nothing may be acknowledged then.
package place
