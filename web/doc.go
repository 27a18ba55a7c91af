// Package web is the dashboard of a running engine: pages that a browser shows,
// and the forms in them.
//
// A page is made on the server from the same values that the commands and the API
// give: where a stack stands comes from the API's handler, and why, when and by whom
// from package inspect. What a form changes goes through the API's handler with the
// token of the session, so that its guard, its roles and the names in its records hold
// here too.
//
// Texts of people and models are data: html/template escapes all of them, and the
// content security policy lets no script or style run but those in static.
package web
