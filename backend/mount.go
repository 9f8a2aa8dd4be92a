package backend

import (
	"errors"
	"strings"
	"time"

	"vault-plugin-secrets-sei/backend/store"
	"vault-plugin-secrets-sei/providers"
)

// Mount is the settings of the mount, with defaults filled in. Values are immutable.
type Mount struct {
	// Settings are all settings, defaults filled in.
	Settings providers.Settings
	// written are those that were written, which is what is stored: a later
	// version may have better defaults.
	written providers.Settings
	unknown store.Unknown
	// AllowedHosts is the setting of that name, parsed.
	AllowedHosts   providers.AllowedHosts
	RequestTimeout time.Duration
	ExpiryWarning  time.Duration
	CredsTTL       time.Duration
	HistoryLimit   int
	// HealthCheckInterval is of integrations that set none; 0 means never.
	HealthCheckInterval time.Duration
	MaxConcurrentChecks int
	// RollbackWindow is for how long a replaced credential is kept; 0 keeps none.
	RollbackWindow time.Duration
	// PublicAddress is where people reach Vault, without a slash at its end; "" for not known.
	PublicAddress string
	// MaxWait is how long a read of creds/ may wait; 0 has none wait.
	MaxWait time.Duration
	// MetricsByIntegration is whether metrics have series of single integrations.
	MetricsByIntegration bool
}

// MountFields describes the settings of the mount. The slice is the caller's.
func MountFields() []providers.Field {
	const day = 24 * 3600
	return []providers.Field{
		{Name: "allowed_hosts", Title: "Allowed hosts", Kind: providers.List, Description: "Hosts that integrations may name, as [scheme://]host[:port], *. for any subdomain; the hosts that are called, so api.github.com for github.com. Empty: https to any address but loopback, link-local, unspecified, multicast and cloud metadata ones."},
		{Name: "request_timeout", Title: "Request timeout", Kind: providers.Duration, Default: "30", Min: 1, Max: 300, Description: "Seconds that the check of one credential may take. Vault itself ends a request after 90 unless its configuration says otherwise."},
		{Name: "health_check_interval", Title: "Health check interval", Kind: providers.Duration, Default: "3600", Max: 30 * day, Description: "Seconds between health checks of an integration, 0 for none."},
		{Name: "max_concurrent_checks", Title: "Concurrent checks", Kind: providers.Count, Default: "16", Min: 1, Max: 256, Description: "Health checks at the same time, at most four of them at one host."},
		{Name: "expiry_warning", Title: "Expiry warning", Kind: providers.Duration, Default: "1209600", Max: 3650 * day, Description: "Seconds before its expiry at which a credential counts as expiring."},
		{Name: "creds_ttl", Title: "Credential TTL", Kind: providers.Duration, Default: "300", Min: 1, Max: day, Description: "Seconds after which a worker should read its credential again."},
		{Name: "history_limit", Title: "History limit", Kind: providers.Count, Default: "20", Min: 1, Max: 1000, Description: "Entries of history that an integration keeps."},
		{Name: "rollback_window", Title: "Rollback window", Kind: providers.Duration, Default: "86400", Max: 30 * day, Description: "Seconds for which a replaced credential is kept to roll back to, 0 for none."},
		{Name: "public_address", Title: "Public address", Kind: providers.URL, Visited: true, Description: "Address by which people reach Vault, for the links of invitations: https://vault.example.com:8200, with the path of a proxy before /v1 where there is one. http for a loopback address only."},
		{Name: "max_wait", Title: "Longest wait", Kind: providers.Duration, Default: "60", Max: int64(LongestWait / time.Second), Description: "Seconds for which a read of creds/ may wait, at most; 0 has none wait. Vault lets requests end before a seal, a step-down or a reload of the plugin: lower it before, and reads that have waited for longer are answered at once."},
		{Name: "metrics_by_integration", Title: "Metrics by integration", Kind: providers.Flag, Default: "true", Description: "Whether metrics has series of every single integration, and not only of all together."},
	}
}

// NewMount fills in the defaults. A host that an earlier version took and this one does
// not matches nothing: the mount must stay readable, and what is listed restricts.
func NewMount(written providers.Settings) *Mount {
	s := providers.WithDefaults(MountFields(), written)
	hosts, _ := providers.ParseAllowedHosts(s.List("allowed_hosts"))
	seconds := func(name string) time.Duration { return time.Duration(s.Number(name)) * time.Second }
	return &Mount{
		Settings: s, written: written, AllowedHosts: hosts,
		RequestTimeout:      seconds("request_timeout"),
		ExpiryWarning:       seconds("expiry_warning"),
		CredsTTL:            seconds("creds_ttl"),
		HistoryLimit:        int(s.Number("history_limit")),
		HealthCheckInterval: seconds("health_check_interval"),
		MaxConcurrentChecks: int(s.Number("max_concurrent_checks")),
		RollbackWindow:      seconds("rollback_window"),
		MaxWait:             seconds("max_wait"),

		PublicAddress:        strings.TrimRight(s.Text("public_address"), "/"),
		MetricsByIntegration: s.Flag("metrics_by_integration"),
	}
}

// ExchangeTimeout bounds what goes on after a request has gone: an exchange, a check
// and that of the siblings, each with the mount's request_timeout, and a write.
func (m *Mount) ExchangeTimeout() time.Duration { return 3*m.RequestTimeout + store.WriteTimeout }

// Changed returns the settings with changes laid over those that were written.
func (m *Mount) Changed(changes providers.Settings) *Mount {
	after := NewMount(Merge(m.written, changes))
	after.unknown = m.unknown
	return after
}

// EncodeMount encodes the settings as they are stored: those that were written.
func EncodeMount(m *Mount) ([]byte, error) { return m.unknown.Encode(m.written) }

// DecodeMount decodes stored settings. Its error quotes nothing.
func DecodeMount(_ string, data []byte) (*Mount, error) {
	var s providers.Settings
	rest, err := store.DecodeKnown(data, &s)
	if err != nil {
		return nil, errors.New("not settings of a mount") // the decoder's message can quote what it read
	}
	mount := NewMount(s)
	mount.unknown = rest
	return mount, nil
}
