package web

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// sessionTime is how long a browser stays signed in.
const sessionTime = 12 * time.Hour

// linkTime is how long a one-time link may be used.
const linkTime = time.Minute

// seal encrypts sessions. A session is in its cookie alone, so it outlives a restart
// of the server, and ends with the store's token.
type seal struct {
	aead cipher.AEAD
	name string // of the cookie: browsers share cookies between the ports of a machine
}

func newSeal(token string) (seal, error) {
	key, err := hkdf.Key(sha256.New, []byte(token), nil, "graphrun dashboard session", 32)
	if err != nil {
		return seal{}, fmt.Errorf("cannot make the key of sessions: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return seal{}, fmt.Errorf("cannot make the key of sessions: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return seal{}, fmt.Errorf("cannot make the key of sessions: %w", err)
	}
	id := sha256.Sum256(key)
	return seal{aead, "graphrun-" + hex.EncodeToString(id[:4])}, nil
}

// session is what a cookie holds.
type session struct {
	Token string    `json:"token"`
	Until time.Time `json:"until"`
}

func (s seal) close(in session) (string, error) {
	b, err := json.Marshal(in)
	if err != nil {
		return "", fmt.Errorf("cannot write the session: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nil, nil, b, nil)), nil
}

func (s seal) open(text string) (out session, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return out, false
	}
	if b, err = s.aead.Open(nil, nil, b, nil); err != nil {
		return out, false
	}
	return out, json.Unmarshal(b, &out) == nil
}

// session is the token that a request is signed in with.
func (h *Handler) session(r *http.Request) (token string, ok bool) {
	c, err := r.Cookie(h.seal.name)
	if err != nil {
		return "", false
	}
	s, ok := h.seal.open(c.Value)
	if !ok || !time.Now().Before(s.Until) {
		return "", false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	_, out := h.over[sha256.Sum256([]byte(c.Value))]
	return s.Token, !out
}

// begin signs the browser in.
func (h *Handler) begin(w http.ResponseWriter, token string) error {
	value, err := h.seal.close(session{token, time.Now().Add(sessionTime)})
	if err != nil {
		return err
	}
	http.SetCookie(w, h.cookie(value, int(sessionTime.Seconds())))
	return nil
}

func (h *Handler) cookie(value string, age int) *http.Cookie {
	return &http.Cookie{Name: h.seal.name, Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: h.o.Secure, SameSite: http.SameSiteStrictMode}
}

// end signs the browser out, and makes a copy of its cookie worthless.
func (h *Handler) end(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(h.seal.name); err == nil {
		if s, ok := h.seal.open(c.Value); ok {
			h.mu.Lock()
			forget(h.over)
			h.over[sha256.Sum256([]byte(c.Value))] = s.Until
			h.mu.Unlock()
		}
	}
	http.SetCookie(w, h.cookie("", -1))
}

// Link is the path and query of a link that signs a browser in once, within a minute.
func (h *Handler) Link() string {
	code := randomText(32)
	h.mu.Lock()
	defer h.mu.Unlock()
	forget(h.links)
	h.links[code] = time.Now().Add(linkTime)
	return "/enter?code=" + code
}

// use reports whether a one-time code is good, and makes it worthless.
func (h *Handler) use(code string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	until, ok := h.links[code]
	delete(h.links, code)
	return ok && time.Now().Before(until)
}

// forget drops what is over.
func forget[K comparable](m map[K]time.Time) {
	now := time.Now()
	for k, until := range m {
		if !now.Before(until) {
			delete(m, k)
		}
	}
}

func randomText(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}
