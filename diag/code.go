package diag

// Code names a kind of problem. Codes are part of the contract: tools match on
// them, docs/checks.md has a section for each.
type Code string

const (
	YAMLSyntax        Code = "yaml-syntax"
	DuplicateKey      Code = "duplicate-key"
	UnknownField      Code = "unknown-field"
	MissingField      Code = "missing-field"
	WrongType         Code = "wrong-type"
	BadDuration       Code = "bad-duration"
	BadName           Code = "bad-name"
	BadVersion        Code = "bad-version"
	TooLarge          Code = "too-large"
	MultipleDocuments Code = "multiple-documents"

	UnknownNode     Code = "unknown-node"
	UnknownKind     Code = "unknown-kind"
	UnknownPool     Code = "unknown-pool"
	UnknownState    Code = "unknown-state"
	UnknownType     Code = "unknown-type"
	UnknownName     Code = "unknown-name"
	UnknownProperty Code = "unknown-property"
	UnknownFunction Code = "unknown-function"
	UnknownProvider Code = "unknown-provider"
	UnknownTool     Code = "unknown-tool"
	UnknownServer   Code = "unknown-server"
	UnknownEvent    Code = "unknown-event"

	ExprSyntax    Code = "expr-syntax"
	ExprType      Code = "expr-type"
	NotBoolean    Code = "not-boolean"
	Untyped       Code = "untyped"
	EnumValue     Code = "enum-value"
	ExprTooCostly Code = "expr-too-costly"
	AlwaysFalse   Code = "always-false"
	AlwaysTrue    Code = "always-true"

	YAMLComment Code = "yaml-comment"
	YAMLTag     Code = "yaml-tag"
	YAMLComma   Code = "yaml-comma"

	Cycle              Code = "cycle"
	SelfEdge           Code = "self-edge"
	DuplicateEdge      Code = "duplicate-edge"
	Unreachable        Code = "unreachable"
	JoinUnsatisfiable  Code = "join-unsatisfiable"
	WriteConflict      Code = "write-conflict"
	BadReducer         Code = "bad-reducer"
	BadDefault         Code = "bad-default"
	BadConfig          Code = "bad-config"
	ShellInterpolation Code = "shell-interpolation"
	SecretLeak         Code = "secret-leak"
	Recursion          Code = "recursion"
	MissingParam       Code = "missing-param"
	MissingFile        Code = "missing-file"

	NeverLive     Code = "never-live"
	NeverTogether Code = "never-together"
	IndexPairing  Code = "index-pairing"

	PoolDiffers Code = "pool-differs"
	UnevenStep  Code = "uneven-step"

	BadTest Code = "bad-test"

	NoStop    Code = "no-stop"
	Unbounded Code = "unbounded"
	NeverRead Code = "never-read"
	Unused    Code = "unused"

	UnguardedTool Code = "unguarded-tool"
	NoPrice       Code = "no-price"
	UnknownFormat Code = "unknown-format"
)

// Severity returns Warning for problems that do not keep a graph from running,
// and Error for all others.
func (c Code) Severity() Severity {
	switch c {
	case AlwaysFalse, AlwaysTrue, NeverLive, NeverTogether, IndexPairing, NoStop, Unbounded, NeverRead, Unused, UnguardedTool, NoPrice, UnknownFormat, PoolDiffers, UnevenStep:
		return Warning
	}
	return Error
}
