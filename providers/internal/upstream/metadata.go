package upstream

import (
	"net/netip"
	"slices"
)

// metadataPrefixes are the addresses at which clouds tell the machines that run in them
// their credentials and settings, as far as they are not link-local as 169.254.169.254
// is. Anybody who is not at that cloud has no upstream there.
func metadataPrefixes() []netip.Prefix {
	return []netip.Prefix{
		// Amazon: instance metadata ::254, the agent of EKS pod identities ::23, and what
		// else it serves its machines there.
		// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
		// https://docs.aws.amazon.com/eks/latest/userguide/pod-id-agent-setup.html
		netip.MustParsePrefix("fd00:ec2::/32"),
		// Google Cloud: https://cloud.google.com/compute/docs/metadata/querying-metadata
		netip.MustParsePrefix("fd20:ce::254/128"),
		// Azure, also where a machine gets its certificates:
		// https://learn.microsoft.com/en-us/azure/virtual-network/what-is-ip-address-168-63-129-16
		netip.MustParsePrefix("168.63.129.16/32"),
		// Alibaba Cloud: https://www.alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata
		netip.MustParsePrefix("100.100.100.200/32"),
		netip.MustParsePrefix("fd00:100::100:200/128"),
		// Oracle Cloud, in its classic form and by IPv6: oci-python-sdk,
		// src/oci/auth/signers/instance_principals_security_token_signer.py
		netip.MustParsePrefix("192.0.0.192/32"),
		netip.MustParsePrefix("fd00:c1::a9fe:a9fe/128"),
		// Akamai (Linode): https://cloudinit.readthedocs.io/en/latest/reference/datasources/akamai.html
		netip.MustParsePrefix("fd00:a9fe:a9fe::1/128"),
		// Scaleway: https://cloudinit.readthedocs.io/en/latest/reference/datasources/scaleway.html
		netip.MustParsePrefix("fd00:42::42/128"),
	}
}

// isMetadata reports whether an address is that of a cloud's metadata service.
func isMetadata(a netip.Addr) bool {
	return slices.ContainsFunc(metadataPrefixes(), func(p netip.Prefix) bool { return p.Contains(a) })
}
