package api

import (
	"context"
	"os"
	"os/user"
	"slices"
	"strconv"
	"sync"
)

// Role says what a token may do. Each role may do what the ones before it may.
type Role string

const (
	RoleRead    Role = "read"    // look at everything
	RoleOperate Role = "operate" // start stacks of served graphs, send, answer and control
	RoleAdmin   Role = "admin"   // start stacks of any definition, which runs any program, and manage tokens
)

// Roles are all roles, the weakest first.
var Roles = []Role{RoleRead, RoleOperate, RoleAdmin}

// ParseRole reads the name of a role.
func ParseRole(text string) (Role, error) {
	for _, r := range Roles {
		if text == string(r) {
			return r, nil
		}
	}
	return "", errorf(CodeUsage, "role %q: expected read, operate or admin", text)
}

// Principal is who makes a request. The zero Principal is nobody and may do nothing.
type Principal struct {
	// Name is that of the token, or of the system's user where a door is trusted. Records
	// have it as `by`.
	Name string
	Role Role
	// Graph is the only graph whose stacks exist for this principal; "" means all.
	Graph string
}

// AdminName is the name of the principal that shows the token of TokenPath. No other token
// may have it.
const AdminName = "admin"

// Has reports whether the principal may do what a role may do.
func (p Principal) Has(r Role) bool {
	own, want := slices.Index(Roles, p.Role), slices.Index(Roles, r)
	return want >= 0 && own >= want
}

// may reports whether the principal's role is enough for a route.
func (p Principal) may(a access) bool { return a == open || p.Has(a.role()) }

// principalKey is where the context of a request has its Principal.
type principalKey struct{}

// WithPrincipal gives a context to a principal.
func WithPrincipal(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// PrincipalOf is who a context belongs to; nobody when none was let in.
func PrincipalOf(ctx context.Context) Principal {
	p, _ := ctx.Value(principalKey{}).(Principal)
	return p
}

// SystemUser names the user that this process runs as. Only that user can reach a trusted
// door, so it is also who comes through it.
func SystemUser() string { return systemUser() }

var systemUser = sync.OnceValue(func() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "uid " + strconv.Itoa(os.Getuid()) // a container without a list of users
})
