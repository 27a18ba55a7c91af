package lsp

import "encoding/json"

// The parts of JSON-RPC 2.0 and of the protocol that the server uses, by their names there.

type message struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id,omitempty"` // absent in a notification
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
}

type response struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Result  any             `json:"result"`
}

type failure struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Error   *rpcError       `json:"error"`
}

type notification struct {
	Version string `json:"jsonrpc"`
	Method  string `json:"method"`
	Params  any    `json:"params"`
}

// rpcError is why a request has no result.
type rpcError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func (e *rpcError) Error() string { return e.Message }

// The codes of JSON-RPC and of the protocol.
const (
	codeParse         = -32700
	codeInvalid       = -32600
	codeNoMethod      = -32601
	codeBadParams     = -32602
	codeInternal      = -32603
	codeNotStarted    = -32002
	codeRequestFailed = -32803
)

// position is a place in an open text: both count from 0, and character counts UTF-16 code
// units.
type position struct {
	Line      int `json:"line"`
	Character int `json:"character"`
}

type textRange struct {
	Start position `json:"start"`
	End   position `json:"end"`
}

type documentID struct {
	URI string `json:"uri"`
}

type versionedID struct {
	URI     string `json:"uri"`
	Version int    `json:"version"`
}

type didOpenParams struct {
	Document struct {
		URI     string `json:"uri"`
		Version int    `json:"version"`
		Text    string `json:"text"`
	} `json:"textDocument"`
}

type didChangeParams struct {
	Document versionedID `json:"textDocument"`
	Changes  []change    `json:"contentChanges"`
}

// change replaces a part of a text, or all of it without a range.
type change struct {
	Range *textRange `json:"range"`
	Text  string     `json:"text"`
}

type documentParams struct {
	Document documentID `json:"textDocument"`
}

type initializeResult struct {
	Capabilities capabilities `json:"capabilities"`
	Server       serverInfo   `json:"serverInfo"`
}

type serverInfo struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
}

type capabilities struct {
	Encoding   string            `json:"positionEncoding"`
	Sync       syncOptions       `json:"textDocumentSync"`
	Completion completionOptions `json:"completionProvider"`
	Hover      bool              `json:"hoverProvider"`
	Definition bool              `json:"definitionProvider"`
	References bool              `json:"referencesProvider"`
	Highlight  bool              `json:"documentHighlightProvider"`
	Symbols    bool              `json:"documentSymbolProvider"`
	Rename     renameOptions     `json:"renameProvider"`
}

type completionOptions struct {
	Triggers []string `json:"triggerCharacters"`
}

type renameOptions struct {
	Prepare bool `json:"prepareProvider"`
}

// clientParams is what the server reads of an editor's initialize.
type clientParams struct {
	Capabilities struct {
		Text struct {
			Completion struct {
				Item struct {
					Snippets bool `json:"snippetSupport"`
				} `json:"completionItem"`
			} `json:"completion"`
			Symbols struct {
				Tree bool `json:"hierarchicalDocumentSymbolSupport"`
			} `json:"documentSymbol"`
		} `json:"textDocument"`
	} `json:"capabilities"`
}

// placeParams names a place of an open text, in all requests that are about one.
type placeParams struct {
	Document documentID `json:"textDocument"`
	Position position   `json:"position"`
	NewName  string     `json:"newName"` // of a rename
	Context  struct {
		Declaration bool `json:"includeDeclaration"`
	} `json:"context"` // of references
}

type completionList struct {
	Incomplete bool             `json:"isIncomplete"`
	Items      []completionItem `json:"items"`
}

type completionItem struct {
	Label  string   `json:"label"`
	Kind   int      `json:"kind"`
	Detail string   `json:"detail,omitempty"`
	Doc    *markup  `json:"documentation,omitempty"`
	Sort   string   `json:"sortText"`
	Filter string   `json:"filterText,omitempty"`
	Format int      `json:"insertTextFormat"`
	Edit   textEdit `json:"textEdit"`
}

const (
	formatPlain   = 1
	formatSnippet = 2
)

type markup struct {
	Kind  string `json:"kind"` // markdown
	Value string `json:"value"`
}

type textEdit struct {
	Range textRange `json:"range"`
	Text  string    `json:"newText"`
}

type hover struct {
	Contents markup    `json:"contents"`
	Range    textRange `json:"range"`
}

type location struct {
	URI   string    `json:"uri"`
	Range textRange `json:"range"`
}

type highlight struct {
	Range textRange `json:"range"`
}

type workspaceEdit struct {
	Changes map[string][]textEdit `json:"changes"`
}

type documentSymbol struct {
	Name      string           `json:"name"`
	Detail    string           `json:"detail,omitempty"`
	Kind      int              `json:"kind"`
	Range     textRange        `json:"range"`
	Selection textRange        `json:"selectionRange"`
	Children  []documentSymbol `json:"children,omitempty"`
}

// symbolInformation is a symbol for editors that want a flat list.
type symbolInformation struct {
	Name     string   `json:"name"`
	Kind     int      `json:"kind"`
	Location location `json:"location"`
	In       string   `json:"containerName,omitempty"`
}

type syncOptions struct {
	OpenClose bool        `json:"openClose"`
	Change    int         `json:"change"` // 2: changes come as ranges
	Save      saveOptions `json:"save"`
}

type saveOptions struct {
	IncludeText bool `json:"includeText"`
}

type publishParams struct {
	URI         string       `json:"uri"`
	Version     *int         `json:"version,omitempty"`
	Diagnostics []diagnostic `json:"diagnostics"`
}

type diagnostic struct {
	Range    textRange `json:"range"`
	Severity int       `json:"severity"`
	Code     string    `json:"code"`
	Source   string    `json:"source"`
	Message  string    `json:"message"`
	Tags     []int     `json:"tags,omitempty"`
}

const (
	severityError   = 1
	severityWarning = 2
	tagUnnecessary  = 1
)
