package api

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/graphrun/graphrun/internal/late"
)

// TokenPath is where the token of a store's API is kept.
func TokenPath(db string) string { return db + ".token" }

var tokenForm = late.Regexp(`^[0-9a-f]{64}$`)

// Token is the token of a store: 256 random bits as hex, made when it is first
// asked for, in a file that only its owner may read. A file that others may
// read is refused: the token in it is none any more.
func Token(db string) (string, error) {
	path := TokenPath(db)
	if err := makeToken(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("cannot make the token file: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("cannot read the token file: %w", err)
	}
	if private := info.Mode().Perm()&0o077 == 0; !private && !openFolders {
		return "", fmt.Errorf("the token file %s can be read by others (%s): remove it, and a new one is made", path, info.Mode().Perm())
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("cannot read the token file: %w", err)
	}
	token := strings.TrimSpace(string(b))
	if !tokenForm().MatchString(token) {
		return "", fmt.Errorf("the token file %s holds no token (64 hex digits): remove it, and a new one is made", path)
	}
	return token, nil
}

// makeToken writes a new token under its name at once, whole: a second process
// never reads half of it.
func makeToken(path string) error {
	if _, err := os.Stat(path); err == nil {
		return fs.ErrExist
	}
	var secret [32]byte
	rand.Read(secret[:])                             // never fails
	f, err := os.CreateTemp(dirOf(path), ".token-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = fmt.Fprintln(f, hex.EncodeToString(secret[:]))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Link(f.Name(), path) // fails when there is one meanwhile
}
