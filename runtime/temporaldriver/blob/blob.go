package blob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// MaxSize is the size of the largest blob in bytes, 64 MiB. Put refuses larger ones, and
// Get reads no more than that into memory.
const MaxSize = 64 << 20

// Errors of a Store, for errors.Is. Their texts say what to do.
var (
	ErrNotFound = errors.New("no such blob")        // it was never put, was swept, or is in another store
	ErrDamaged  = errors.New("the blob is damaged") // what is stored has another hash
	ErrTooLarge = errors.New("the blob is too large")
)

// Store keeps blobs by the hash of their content. Its methods are safe for concurrent use,
// also by several processes. Any other error than those of this package may pass by itself:
// a service that is not reachable, a full disk.
type Store interface {
	// Put keeps a blob of at most MaxSize bytes and returns its hash, SHA-256 in 64 small
	// hexadecimal digits. The blob is durable when Put returns. Putting a blob that is
	// there only renews its age. Put does not keep or change b.
	Put(ctx context.Context, b []byte) (hash string, err error)

	// Get returns the blob with a hash, which has been verified. The caller may change it.
	Get(ctx context.Context, hash string) ([]byte, error)
}

// Hash is the hash under which a Store keeps b.
func Hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// isHash keeps everything else out of paths: a hash may come from a history.
func isHash(s string) bool {
	if len(s) != 2*sha256.Size {
		return false
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func checkHash(s string) error {
	if isHash(s) {
		return nil
	}
	return fmt.Errorf("%w: %.80q is not a SHA-256 in 64 small hexadecimal digits; the reference was not made by graphrun", ErrNotFound, s)
}

// key is where a blob is below a folder or prefix. Its first two digits spread the blobs
// over 256 folders.
func key(hash string) string { return hash[:2] + "/" + hash }

// verified is b, read from a place, when that is what the hash stands for.
func verified(b []byte, hash, place string) ([]byte, error) {
	if got := Hash(b); got != hash {
		return nil, damaged(place, fmt.Sprintf("its %d bytes have the hash %s", len(b), got))
	}
	return b, nil
}

func damaged(place, why string) error {
	return fmt.Errorf("%w: %s: %s; put its copy from a backup there, or delete it: "+
		"a later Put of the same content writes it again", ErrDamaged, place, why)
}

func notFound(place string) error {
	return fmt.Errorf("%w: %s: use the same store in every worker and client, "+
		"or put it there from a backup if it was deleted too early", ErrNotFound, place)
}

func tooLarge(what string, size, limit int64) error {
	return fmt.Errorf("%w: %s has %d bytes, at most %d can be kept; "+
		"write the value to a file or a service, and pass its name on", ErrTooLarge, what, size, limit)
}
