package schema

// MessageType is AgentMessage, one message of a conversation with a model: a type that
// every graph has by that name.
var MessageType = &Type{Name: "AgentMessage", Kind: Object, Props: []Prop{
	{Name: "role", Type: EnumOf(String, "system", "user", "assistant", "tool"), Required: true},
	{Name: "content", Type: StringType, Required: true},
	{Name: "calls", Required: true, Type: ListOf(ObjectOf(
		Prop{Name: "id", Type: StringType, Required: true},
		Prop{Name: "name", Type: StringType, Required: true},
		Prop{Name: "args", Type: AnyType, Required: true},
	))},
	{Name: "call", Type: StringType.OrNull()}, // of a result: the id of its call
	{Name: "name", Type: StringType.OrNull()}, // of a result: the tool
	{Name: "raw", Type: AnyType},              // blocks of the provider that go back as they came
}}
