package upstream

import "net/netip"

// The prefixes whose addresses carry an IPv4 address that a gateway would call.
const (
	nat64Prefix      = "64:ff9b::/96"    // RFC 6052
	localNAT64Prefix = "64:ff9b:1::/48"  // RFC 8215; gateways use it, or a longer prefix of it
	sixToFourPrefix  = "2002::/16"       // RFC 3056
	compatiblePrefix = "::/96"           // RFC 4291, long deprecated
	translatedPrefix = "::ffff:0:0:0/96" // RFC 2765
	teredoPrefix     = "2001::/32"       // RFC 4380
	thisNetwork      = "0.0.0.0/8"       // RFC 1122: "this host on this network"
)

// addressClass names the class of an address that is not called unless an entry
// names it, or "" for an ordinary one.
func addressClass(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	switch {
	case a.IsLoopback():
		return "loopback"
	case a.IsUnspecified(), netip.MustParsePrefix(thisNetwork).Contains(a):
		return "unspecified"
	case a.IsLinkLocalUnicast():
		return "link-local"
	case a.IsMulticast():
		return "multicast"
	case isMetadata(a):
		return "cloud metadata"
	}
	for _, inner := range embedded(a) {
		if class := addressClass(inner); class != "" {
			return class
		}
	}
	return ""
}

// embedded returns the IPv4 addresses that a translated IPv6 address may stand for.
func embedded(a netip.Addr) []netip.Addr {
	if !a.Is6() {
		return nil
	}
	b := a.As16()
	last := netip.AddrFrom4([4]byte(b[12:16]))
	switch {
	case netip.MustParsePrefix(localNAT64Prefix).Contains(a):
		return append(locallyEmbedded(b), last)
	case netip.MustParsePrefix(nat64Prefix).Contains(a), netip.MustParsePrefix(compatiblePrefix).Contains(a), netip.MustParsePrefix(translatedPrefix).Contains(a):
		return []netip.Addr{last}
	case netip.MustParsePrefix(sixToFourPrefix).Contains(a):
		return []netip.Addr{netip.AddrFrom4([4]byte(b[2:6]))}
	case netip.MustParsePrefix(teredoPrefix).Contains(a):
		return []netip.Addr{netip.AddrFrom4([4]byte{^b[12], ^b[13], ^b[14], ^b[15]})}
	case isISATAP(b):
		return []netip.Addr{last}
	}
	return nil
}

// locallyEmbedded returns what prefixes of 48, 56 and 64 bits make of an address, which
// leave out its ninth byte (RFC 6052, section 2.2): how long the gateway's prefix is
// cannot be seen. What is an address of this network there is the zeros of a longer
// prefix, and no gateway calls it.
func locallyEmbedded(b [16]byte) []netip.Addr {
	var found []netip.Addr
	for _, v4 := range [][4]byte{{b[6], b[7], b[9], b[10]}, {b[7], b[9], b[10], b[11]}, [4]byte(b[9:13])} {
		if inner := netip.AddrFrom4(v4); !netip.MustParsePrefix(thisNetwork).Contains(inner) {
			found = append(found, inner)
		}
	}
	return found
}

// isISATAP reports whether the second half of an address has the form of RFC 5214,
// section 6.1, which ends with an IPv4 address, below whatever prefix.
func isISATAP(b [16]byte) bool {
	return b[8]&^2 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe
}
