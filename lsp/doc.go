// Package lsp is the language server of graph files: it speaks the Language Server Protocol
// with an editor. Package dsl and what is below it know the language; this package keeps the
// texts that are open, and turns places and answers into the forms of the protocol.
//
// frame.go reads and writes messages, protocol.go has their forms, session.go answers them in
// order, text.go keeps an open text and counts columns as editors do, publish.go sends the
// problems of a text, and the files named after requests answer them.
package lsp
