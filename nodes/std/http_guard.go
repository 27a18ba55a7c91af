package std

import (
	"context"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/nodes"
)

// guard decides which addresses may be dialled. It looks at the address that
// the name was resolved to, at the moment of dialling: neither a name that
// leads inside nor one that changes its mind gets past it.
type guard struct {
	allowAll bool
	named    string // host:port that may be private all the same; "" means none
}

func (g guard) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	d := net.Dialer{Timeout: 30 * time.Second}
	if !g.allowAll && addr != g.named {
		d.Control = refusePrivate
	}
	return d.DialContext(ctx, network, addr)
}

// refusePrivate is a net.Dialer.Control.
func refusePrivate(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err == nil && isPublic(ap.Addr()) {
		return nil
	}
	return &nodes.Error{Kind: "config", Permanent: true,
		Message: "address " + address + " is not public (allow_private: true permits it)"}
}

// notPublic are the ranges that are no part of the public internet and that
// netip has no predicate for.
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),      // this network
	netip.MustParsePrefix("100.64.0.0/10"),  // carrier-grade NAT
	netip.MustParsePrefix("192.0.0.0/24"),   // protocol assignments
	netip.MustParsePrefix("198.18.0.0/15"),  // benchmarks
	netip.MustParsePrefix("240.0.0.0/4"),    // reserved, and broadcast
	netip.MustParsePrefix("::/96"),          // IPv4-compatible
	netip.MustParsePrefix("64:ff9b::/96"),   // NAT64: an IPv4 address in disguise
	netip.MustParsePrefix("64:ff9b:1::/48"), // NAT64 of a local network
	netip.MustParsePrefix("2002::/16"),      // 6to4: the same
	netip.MustParsePrefix("2001::/32"),      // Teredo: the same
	netip.MustParsePrefix("fec0::/10"),      // site-local
}

func isPublic(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if !a.IsGlobalUnicast() || a.IsPrivate() { // loopback, link-local, multicast and unspecified are not global
		return false
	}
	for _, p := range notPublic {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// namedAddress is the host and port of u when the author of the graph wrote
// them out, and wrote an address that can be nothing but what it says: an IP
// address or localhost. Somebody's name server has no say in those. It is ""
// for anything that data decided.
func namedAddress(written *tree.Node, u *url.URL) string {
	field := written.Get("url")
	if field == nil || field.Kind != tree.String {
		return ""
	}
	scheme, rest, ok := strings.Cut(field.Text.Value, "://")
	if !ok {
		return ""
	}
	authority := rest
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority = rest[:i]
	}
	if strings.Contains(scheme+authority, "${{") || !strings.EqualFold(authority, u.Host) {
		return ""
	}
	if _, err := netip.ParseAddr(u.Hostname()); err != nil && !strings.EqualFold(u.Hostname(), "localhost") {
		return ""
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}
