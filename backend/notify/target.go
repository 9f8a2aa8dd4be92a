package notify

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"time"

	"vault-plugin-secrets-sei/backend/store"
	"vault-plugin-secrets-sei/providers"
)

// Formats of messages.
const (
	formatJSON  = "json"
	formatSlack = "slack"
	formatTeams = "teams"
)

// Names of settings.
const (
	fieldURL        = "url"
	fieldFormat     = "format"
	fieldEvents     = "events"
	fieldSigningKey = "signing_key"
	fieldSettle     = "settle"
	fieldNames      = "integrations"
	fieldLabels     = "labels"
	fieldCA         = "ca_cert"
	fieldServerName = "tls_server_name"
	fieldProxy      = "proxy_url"
	fieldInvite     = "invite"
)

// defaultSettle is the default of settle.
const defaultSettle = time.Minute

// unreachableSettle is for how long an upstream must not have answered before somebody is
// told: most come back by themselves.
const unreachableSettle = time.Hour

// Target is a webhook that is told, and of what. Values are immutable.
type Target struct {
	Name string `json:"name"`
	// ID is made at random: what was told to another target of the same name, that was
	// deleted, does not count.
	ID string `json:"id"`
	// Mount is the path of the mount, as the last write saw it.
	Mount string `json:"mount,omitempty"`
	// Since is from when on swaps are told, by event: those that happened before the event
	// was chosen are not.
	Since map[Event]time.Time `json:"since,omitempty"`
	// Settings are those that were written.
	Settings providers.Settings `json:"-"`
	unknown  store.Unknown
	// sum is that of the entry it was read from.
	sum [sha256.Size]byte
}

// Fields describes the settings of a target. The slice is the caller's.
func Fields() []providers.Field {
	const week = 7 * 24 * 3600
	return []providers.Field{
		{Name: fieldURL, Title: "URL", Kind: providers.Token, Address: true, Required: true, Description: "Where messages are posted. Whoever knows the address of a webhook can post there, so it is a secret and never read back."},
		{Name: fieldFormat, Title: "Format", Kind: providers.Text, Values: []string{formatJSON, formatSlack, formatTeams}, Default: formatJSON, Description: "json for programs, slack for Slack and what takes its form, teams for a workflow of Microsoft Teams."},
		{Name: fieldEvents, Title: "Events", Kind: providers.List, Description: "What to tell: needs_reauth, degraded, unreachable, expiring, recovered and rotation_failed, which are told where nothing is set, and reauth, rotate, rollback, forget and invited."},
		{Name: fieldNames, Title: "Integrations", Kind: providers.List, Description: "Names of the integrations to tell of, * for any part of a name. Empty: all."},
		{Name: fieldLabels, Title: "Labels", Kind: providers.Map, Prose: true, Description: "key=value pairs that an integration's labels must have, all of them. Empty: all integrations."},
		{Name: fieldSigningKey, Title: "Signing key", Kind: providers.Token, AnyForm: true, Description: "Signs messages as standardwebhooks.com says: whsec_ and 24 to 64 bytes in base64. Never read back."},
		{Name: fieldSettle, Title: "Settle", Kind: providers.Duration, Default: "60", Max: week, Description: "Seconds that a status must hold before it is told; an upstream that does not answer is told of after an hour at the earliest."},
		{Name: fieldCA, Title: "CA certificate", Kind: providers.PEM, Locates: true, Description: "PEM certificates to trust for this address, instead of the system's."},
		{Name: fieldServerName, Title: "TLS server name", Kind: providers.Text, Locates: true, Description: "Name to expect in the receiver's certificate, where it is not the URL's host."},
		{Name: fieldProxy, Title: "Proxy URL", Kind: providers.URL, Locates: true, Description: "HTTP proxy to reach the receiver through, e.g. http://proxy.example.com:3128; without user and password."},
		{Name: fieldInvite, Title: "Invite", Kind: providers.Flag, Default: "false", Description: "Put a fresh link into each message that needs a person, by which whoever reads it can re-authenticate the integration for the account that it has, without a Vault token. Needs public_address in config."},
	}
}

// Values are all settings, defaults filled in.
func (t *Target) Values() providers.Settings {
	s := providers.WithDefaults(Fields(), t.Settings)
	if len(s.Lists[fieldEvents]) == 0 {
		s.Lists[fieldEvents] = names(DefaultEvents())
	}
	return s
}

func names(events []Event) []string {
	list := make([]string, 0, len(events))
	for _, e := range events {
		list = append(list, string(e))
	}
	return list
}

// wants reports whether the target is told of an event.
func (t *Target) wants(e Event) bool { return slices.Contains(t.events(), string(e)) }

func (t *Target) events() []string {
	if chosen := t.Settings.List(fieldEvents); len(chosen) > 0 {
		return chosen
	}
	return names(DefaultEvents())
}

// concerns reports whether the target is told of an integration.
func (t *Target) concerns(s *Subject) bool {
	for key, value := range t.Settings.Maps[fieldLabels] {
		if have, ok := s.Labels[key]; !ok || have != value {
			return false
		}
	}
	globs := t.Settings.List(fieldNames)
	return len(globs) == 0 || slices.ContainsFunc(globs, func(glob string) bool {
		match, err := path.Match(glob, s.Name)
		return match && err == nil
	})
}

// selects reports whether both are told of the same integrations.
func (t *Target) selects(other *Target) bool {
	return slices.Equal(t.Settings.List(fieldNames), other.Settings.List(fieldNames)) &&
		maps.Equal(t.Settings.Maps[fieldLabels], other.Settings.Maps[fieldLabels])
}

// invites reports whether messages that need a person have a link.
func (t *Target) invites() bool { return t.Settings.Flag(fieldInvite) }

// settle is how long a status must hold before the target is told of it.
func (t *Target) settle(e Event) time.Duration {
	d := defaultSettle
	if seconds, set := t.Settings.Numbers[fieldSettle]; set {
		d = time.Duration(seconds) * time.Second
	}
	if e == Unreachable {
		return max(d, unreachableSettle)
	}
	return d
}

// same reports whether both were read from the same entry: targets are read again whenever
// any of them may have changed.
func (t *Target) same(other *Target) bool { return t.sum == other.sum }

// posting is where the target's messages go.
func (t *Target) posting(allowed providers.AllowedHosts) providers.Posting {
	s := t.Settings
	return providers.Posting{
		URL: s.Secret(fieldURL), CACert: s.Text(fieldCA), ServerName: s.Text(fieldServerName), ProxyURL: s.Text(fieldProxy),
		AllowedHosts: allowed,
	}
}

// targetJSON is Target as it is stored: with the secrets, which Settings never encodes.
type targetJSON struct {
	*Target
	Settings providers.Settings `json:"settings"`
	Secrets  map[string]string  `json:"secrets,omitempty"`
}

func encodeTarget(t *Target) ([]byte, error) {
	wire := targetJSON{Target: t, Settings: t.Settings, Secrets: map[string]string{}}
	for name, secret := range t.Settings.Secrets {
		wire.Secrets[name] = secret.Reveal()
	}
	return t.unknown.Encode(wire)
}

// decodeTarget demands that the name inside is the key: an entry under another's name
// could send its messages to the other's address.
func decodeTarget(key string, data []byte) (_ *Target, err error) {
	wire := targetJSON{Target: &Target{sum: sha256.Sum256(data)}}
	t := wire.Target
	if t.unknown, err = store.DecodeKnown(data, &wire); err != nil {
		return nil, errors.New("not a target of notifications") // the decoder's message can quote what it read
	}
	if t.Name != key {
		return nil, fmt.Errorf("the entry is of target %q", t.Name)
	}
	t.Settings = wire.Settings
	t.Settings.Secrets = map[string]providers.Secret{}
	for name, text := range wire.Secrets {
		t.Settings.Secrets[name] = providers.NewSecret(text)
	}
	return t, nil
}
