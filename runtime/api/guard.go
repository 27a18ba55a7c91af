package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Door says who may come in where a Handler listens. The zero Door lets nobody in.
type Door struct {
	// Trusted: whoever can connect may do everything. Only for a unix socket
	// that its file permissions guard.
	Trusted bool
	// Token is that of the admin. Requests show theirs as `Authorization: Bearer TOKEN`.
	Token string
	// Tokens are those with a name and a role, which the routes of tokens change too.
	// Defaults to none.
	Tokens *Tokens
	// Hosts are the names that a request may be addressed to, without port.
	// Defaults to localhost, 127.0.0.1 and [::1].
	Hosts []string
}

var loopbackHosts = []string{"localhost", "127.0.0.1", "::1"}

// admit decides whether a request comes in at all, whoever makes it. Pages of
// other sites are kept out even when they know the token: by the Host they
// reached us under (DNS rebinding), and by where they come from, for every
// method, since reading is what they would be after.
func (d Door) admit(r *http.Request) error {
	if !d.Trusted && !d.knows(r.Host) {
		return errorf(CodeMisdirected, "host %q is not served here", r.Host)
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return errorf(CodeForbidden, "requests from other sites are refused")
	}
	for _, origin := range r.Header.Values("Origin") {
		u, err := url.Parse(origin)
		if err != nil || u.Host == "" || u.Host != r.Host || u.Scheme != "http" && u.Scheme != "https" {
			return errorf(CodeForbidden, "requests from origin %q are refused", origin)
		}
	}
	return nil
}

// Guard lets requests in to a handler beside the API by the rules of the door: for Host and
// Origin, and with a token that has a role for all graphs.
func (d Door) Guard(role Role, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protect(w.Header())
		if err := d.admit(r); err != nil {
			fail(w, err)
			return
		}
		switch who, known := d.principal(r); {
		case !known:
			fail(w, errUnauthorized)
		case !who.Has(role) || who.Graph != "":
			fail(w, errorf(CodeForbidden, "this needs a token with the role %s for all graphs", role))
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// principal is who makes a request. It is false for a request without a known token.
func (d Door) principal(r *http.Request) (Principal, bool) {
	if d.Trusted {
		return Principal{Name: SystemUser(), Role: RoleAdmin}, true
	}
	headers := r.Header.Values("Authorization")
	if len(headers) != 1 {
		return Principal{}, false
	}
	scheme, token, _ := strings.Cut(headers[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return Principal{}, false
	}
	return d.Principal(token)
}

// Principal is who shows a token. It is false for a token that nobody has, also for one that
// was revoked. Every comparison takes the same time; hashes make the lengths equal.
func (d Door) Principal(token string) (Principal, bool) {
	got := sha256.Sum256([]byte(token))
	if want := sha256.Sum256([]byte(d.Token)); d.Token != "" && subtle.ConstantTimeCompare(got[:], want[:]) == 1 {
		return Principal{Name: AdminName, Role: RoleAdmin}, true
	}
	if d.Tokens == nil {
		return Principal{}, false
	}
	return d.Tokens.holder(got)
}

// errUnauthorized answers a request that shows no token, or one that nobody has.
var errUnauthorized = errorf(CodeUnauthorized, "the token is missing or wrong: expected the header Authorization: Bearer TOKEN")

func (d Door) knows(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	hosts := d.Hosts
	if len(hosts) == 0 {
		hosts = loopbackHosts
	}
	return slices.Contains(hosts, host)
}

// protect sets the headers that keep browsers from making anything of an
// answer but data.
func protect(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
}
