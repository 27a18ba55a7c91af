// Package browser holds tests of the dashboard in a real browser. It is a module of its
// own, so that graphrun does not depend on the client of that browser. `make browser`
// runs them.
package browser
