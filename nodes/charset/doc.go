// Package charset decodes the charsets of the web, as
// https://encoding.spec.whatwg.org lists them, into UTF-8. It is apart from
// nodes/std because its tables are large: a program links them when it asks for
// them.
//
//	kinds := std.Registry(std.WithCharsets(charset.Find))
package charset
