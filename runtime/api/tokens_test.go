package api_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
)

// TestTokens: only hashes are kept, in a private file; each change works at the next request,
// also one that another process made.
func TestTokens(t *testing.T) {
	t.Parallel()
	db := filepath.Join(t.TempDir(), "s.db")
	tokens, other := api.OpenTokens(db), api.OpenTokens(db)
	door := api.Door{Token: secret, Tokens: tokens}
	one, err := other.Add("one", api.RoleRead, "g")
	if err != nil {
		t.Fatal(err)
	}
	if p, ok := door.Principal(one); !ok || p != (api.Principal{Name: "one", Role: api.RoleRead, Graph: "g"}) {
		t.Errorf("the holder is %+v, %v", p, ok)
	}
	if p, ok := door.Principal(secret); !ok || p != (api.Principal{Name: "admin", Role: api.RoleAdmin}) {
		t.Errorf("the admin is %+v, %v", p, ok)
	}
	b, err := os.ReadFile(api.TokensPath(db))
	if err != nil || strings.Contains(string(b), one) {
		t.Errorf("the file has the token: %s %v", b, err)
	}
	if info, err := os.Stat(api.TokensPath(db)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v: %v", info.Mode(), err)
	}
	two, err := tokens.Add("two", api.RoleAdmin, "")
	if err != nil || two == one {
		t.Fatal(err)
	}
	if err := other.Revoke("one"); err != nil {
		t.Fatal(err)
	}
	if p, ok := door.Principal(one); ok {
		t.Errorf("a revoked token is that of %+v", p)
	}
	if _, ok := door.Principal(two); !ok {
		t.Error("revoking one revoked two")
	}
	if err := os.Chmod(api.TokensPath(db), 0o640); err != nil {
		t.Fatal(err)
	}
	if _, ok := door.Principal(two); ok {
		t.Error("a file that others can read was trusted")
	}
	if _, err := tokens.Add("three", api.RoleRead, ""); err == nil || !strings.Contains(err.Error(), "0600") {
		t.Errorf("it was written to: %v", err)
	}
	if err := os.WriteFile(api.TokensPath(db), []byte(`{"tokens":[{"name":"x","role":"admin","hash":"00"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(api.TokensPath(db), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := tokens.List(); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("a damaged file: %v", err)
	}
}

// TestTokenRoutes: an admin makes a token, which works until it is revoked.
func TestTokenRoutes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tokens := api.OpenTokens(filepath.Join(t.TempDir(), "s.db"))
	h := r.handler(api.Door{Trusted: true, Tokens: tokens})
	c := api.Direct(h, func() error { return nil })
	made, err := c.AddToken(t.Context(), api.TokenRequest{Name: "ci", Role: "read"})
	if err != nil {
		t.Fatal(err)
	}
	tcp := r.handler(api.Door{Token: secret, Tokens: tokens})
	if w := as(tcp, made.Token, "GET", "/v1/stacks", ""); w.Code != http.StatusOK {
		t.Errorf("a new token: %d %s", w.Code, w.Body)
	}
	var known *api.Error
	if _, err := c.AddToken(t.Context(), api.TokenRequest{Name: "ci", Role: "read"}); !errors.As(err, &known) || known.Code != api.CodeExists {
		t.Errorf("a second one: %v", err)
	}
	if list, err := c.Tokens(t.Context()); err != nil || len(list) != 1 || list[0].Name != "ci" || list[0].CreatedAt.IsZero() {
		t.Errorf("the list is %+v: %v", list, err)
	}
	if err := c.RevokeToken(t.Context(), "ci"); err != nil {
		t.Fatal(err)
	}
	if w := as(tcp, made.Token, "GET", "/v1/stacks", ""); w.Code != http.StatusUnauthorized {
		t.Errorf("a revoked token: %d %s", w.Code, w.Body)
	}
}

// TestRevokedStream: a stream ends when the token that it was opened with is revoked.
func TestRevokedStream(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if _, err := r.rt.Start(t.Context(), counter(t), runtime.StartOptions{ID: "a"}); err != nil {
		t.Fatal(err)
	}
	tokens := api.OpenTokens(filepath.Join(t.TempDir(), "s.db"))
	token, err := tokens.Add("ci", api.RoleRead, "")
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(r.handler(api.Door{Token: secret, Tokens: tokens}))
	t.Cleanup(s.Close)
	c := api.NewClient(s.URL, token)
	defer c.Close()
	revoked := false
	err = c.Records(t.Context(), "a", api.Read{Follow: true}, func([]byte) error {
		if revoked {
			return nil
		}
		revoked = true
		return tokens.Revoke("ci")
	})
	if err != nil || !revoked {
		t.Errorf("revoked %v: %v", revoked, err)
	}
}
