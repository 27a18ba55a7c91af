package api

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/graphrun/graphrun/internal/late"
)

const (
	// maxTokens bounds the tokens of a store: each request is compared with all of them.
	maxTokens = 1000
	// maxTokensFile is more than so many tokens take.
	maxTokensFile = 1 << 20
)

// TokensPath is where the named tokens of a store's API are kept.
func TokensPath(db string) string { return db + ".tokens" }

// Tokens are the tokens of a store that have a name and a role, in a file that only its owner
// may read. The file has hashes of them only. It is read again when it has changed, so the
// next request finds a new token, and no longer finds a revoked one. Safe for concurrent
// use by one process; the owner of the store is the one that writes.
type Tokens struct {
	path string

	mu   sync.Mutex
	seen os.FileInfo // of the file that list was read from; nil for none
	list []tokenLine
	err  error
}

// TokenInfo is what is known of a token: not its secret.
type TokenInfo struct {
	Name      string    `json:"name"`
	Role      Role      `json:"role"`
	Graph     string    `json:"graph,omitzero"` // "" means all graphs
	CreatedAt time.Time `json:"created_at"`
}

// tokenLine is a token in the file.
type tokenLine struct {
	TokenInfo
	Hash string `json:"hash"` // SHA-256 of the token, as hex

	sum [sha256.Size]byte
}

type tokensFile struct {
	Tokens []tokenLine `json:"tokens"`
}

// OpenTokens gives the named tokens of a store. A file that is not there has none.
func OpenTokens(db string) *Tokens { return &Tokens{path: TokensPath(db)} }

// tokenName is what a token may be called.
var tokenName = late.Regexp(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$`)

// holder is who has the token with a hash. All tokens are compared, each in the same time. A
// file that cannot be read or trusted has none.
func (t *Tokens) holder(sum [sha256.Size]byte) (p Principal, ok bool) {
	list, err := t.read()
	if err != nil {
		return Principal{}, false
	}
	for i := range list {
		if l := &list[i]; subtle.ConstantTimeCompare(sum[:], l.sum[:]) == 1 {
			p, ok = Principal{l.Name, l.Role, l.Graph}, true
		}
	}
	return p, ok
}

// List lists the tokens, by name.
func (t *Tokens) List() ([]TokenInfo, error) {
	list, err := t.read()
	out := make([]TokenInfo, len(list))
	for i := range list {
		out[i] = list[i].TokenInfo
	}
	return out, err
}

// Add makes a token: 256 random bits as hex, which nobody can be told again. graph is the only
// one that it is for, or "". The error is an *Error for a name that is taken or malformed.
func (t *Tokens) Add(name string, role Role, graph string) (secret string, err error) {
	switch {
	case !tokenName().MatchString(name):
		return "", errorf(CodeUsage, "name %q: expected up to 64 letters, digits, _, - and .", name)
	case name == AdminName:
		return "", errorf(CodeExists, "the token %q is the one in the store's token file", name)
	case graph != "" && !idForm().MatchString(graph):
		return "", errorf(CodeUsage, "graph %q: expected the name of a graph", graph)
	}
	var random [32]byte
	rand.Read(random[:]) // never fails
	secret = hex.EncodeToString(random[:])
	sum := sha256.Sum256([]byte(secret))
	err = t.change(func(list []tokenLine) ([]tokenLine, error) {
		if slices.ContainsFunc(list, func(l tokenLine) bool { return l.Name == name }) {
			return nil, errorf(CodeExists, "there is a token %q already: revoke it first", name)
		}
		if len(list) >= maxTokens {
			return nil, errorf(CodeConflict, "there are %d tokens, the most that there may be: revoke one first", len(list))
		}
		info := TokenInfo{name, role, graph, time.Now().UTC().Truncate(time.Second)}
		return append(list, tokenLine{TokenInfo: info, Hash: hex.EncodeToString(sum[:])}), nil
	})
	return secret, err
}

// Revoke makes a token worthless. The error is an *Error for one that is not there.
func (t *Tokens) Revoke(name string) error {
	return t.change(func(list []tokenLine) ([]tokenLine, error) {
		left := slices.DeleteFunc(slices.Clone(list), func(l tokenLine) bool { return l.Name == name })
		if len(left) < len(list) {
			return left, nil
		}
		if name == AdminName {
			return nil, errorf(CodeConflict, "the token %q is in a file of its own: delete that and restart the server", name)
		}
		var names []string
		for i := range list {
			names = append(names, list[i].Name)
		}
		if len(names) == 0 {
			return nil, errorf(CodeNotFound, "unknown token %q (there are none)", name)
		}
		return nil, errorf(CodeNotFound, "unknown token %q (there are: %s)", name, strings.Join(names, ", "))
	})
}

// read gives the tokens, from the file if that looks different than before.
func (t *Tokens) read() ([]tokenLine, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.readLocked()
}

func (t *Tokens) readLocked() ([]tokenLine, error) {
	info, err := os.Stat(t.path)
	if errors.Is(err, fs.ErrNotExist) {
		t.seen, t.list, t.err = nil, nil, nil
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the file of tokens: %w", err)
	}
	if s := t.seen; s == nil || !os.SameFile(s, info) || !s.ModTime().Equal(info.ModTime()) || s.Size() != info.Size() || s.Mode() != info.Mode() {
		t.seen = info
		t.list, t.err = readTokens(t.path, info)
	}
	return t.list, t.err
}

func readTokens(path string, info os.FileInfo) ([]tokenLine, error) {
	if info.Mode().Perm()&0o077 != 0 && !openFolders {
		return nil, fmt.Errorf("the file of tokens %s can be changed or read by others (%s): expected mode 0600", path, info.Mode().Perm())
	}
	if info.Size() > maxTokensFile {
		return nil, fmt.Errorf("the file of tokens %s is larger than %d bytes", path, maxTokensFile)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the file of tokens: %w", err)
	}
	var f tokensFile
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, fmt.Errorf("the file of tokens %s is damaged: %w", path, err)
	}
	for i := range f.Tokens {
		l := &f.Tokens[i]
		sum, err := hex.DecodeString(l.Hash)
		if err != nil || len(sum) != len(l.sum) || !slices.Contains(Roles, l.Role) || !tokenName().MatchString(l.Name) {
			return nil, fmt.Errorf("the file of tokens %s is damaged: token %d is none", path, i+1)
		}
		copy(l.sum[:], sum)
	}
	return f.Tokens, nil
}

// change replaces the file at once: nobody reads half of it.
func (t *Tokens) change(f func([]tokenLine) ([]tokenLine, error)) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	list, err := t.readLocked()
	if err != nil {
		return err
	}
	if list, err = f(slices.Clone(list)); err != nil {
		return err
	}
	slices.SortFunc(list, func(a, b tokenLine) int { return strings.Compare(a.Name, b.Name) })
	b, err := json.MarshalIndent(tokensFile{append([]tokenLine{}, list...)}, "", "  ")
	if err != nil {
		return err
	}
	t.seen = nil
	if err := replaceFile(t.path, append(b, '\n')); err != nil {
		return fmt.Errorf("cannot write the file of tokens: %w", err)
	}
	return nil
}

// replaceFile puts a file that only its owner may read in the place of another one, on disk
// when it returns: a token that was revoked must not come back after a power cut.
func replaceFile(path string, b []byte) error {
	f, err := os.CreateTemp(dirOf(path), ".tokens-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // unless it has its new name
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	if openFolders {
		return nil // there a folder cannot be synced
	}
	dir, err := os.Open(dirOf(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

type tokensBody struct {
	Tokens []TokenInfo `json:"tokens"`
}

// tokens are the named tokens that the routes change.
func (c *call) tokens() (*Tokens, error) {
	if c.o.Door.Tokens == nil {
		return nil, errorf(CodeConflict, "this engine has no named tokens")
	}
	return c.o.Door.Tokens, nil
}

func (c *call) listTokens() (tokensBody, error) {
	t, err := c.tokens()
	if err != nil {
		return tokensBody{}, err
	}
	list, err := t.List()
	return tokensBody{list}, tokenError(err)
}

func (c *call) addToken(in TokenRequest) (NewToken, error) {
	role, err := ParseRole(in.Role)
	if err != nil {
		return NewToken{}, err
	}
	t, err := c.tokens()
	if err != nil {
		return NewToken{}, err
	}
	secret, err := t.Add(in.Name, role, in.Graph)
	if err != nil {
		return NewToken{}, tokenError(err)
	}
	return NewToken{in.Name, role, in.Graph, secret}, nil
}

func (c *call) revokeToken(Nothing) (Nothing, error) {
	t, err := c.tokens()
	if err != nil {
		return Nothing{}, err
	}
	return Nothing{}, tokenError(t.Revoke(c.ids["name"]))
}

// tokenError is the error of a request about tokens: a file that cannot be used is no fault
// of the request.
func tokenError(err error) error {
	var known *Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	return errorf(CodeStore, "%v", err)
}
