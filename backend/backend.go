package backend

import (
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/helper/salt"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-sei/providers"
)

// Prefixes of storage keys.
const (
	integrationsPrefix = "integrations/"
	credentialsPrefix  = "credentials/"
	groupsPrefix       = "groups/"
	flowsPrefix        = "oauth/"
	healthPrefix       = "health/"
	pendingPrefix      = "rotating/"
)

// Backend is one mount's integrations, credentials and settings. It is safe for
// concurrent use.
type Backend struct {
	Integrations *Integrations
	Credentials  *Credentials
	Mount        *MountSettings
	Watch        *Watch
}

// New returns the backend of a mount over its storage. now tells the time; notify
// takes events, from any goroutine.
func New(storage logical.Storage, registry *providers.Registry, now func() time.Time, notify Notify) *Backend {
	storage = patient{storage}
	locks := &locks{}
	marks := &fingerprints{view: storage}
	mount := &MountSettings{
		table: &table[Mount]{view: storage, encode: encodeMount, decode: decodeMount, absent: newMount(providers.Settings{})},
		locks: locks,
	}
	records := &table[Record]{
		view:   logical.NewStorageView(storage, credentialsPrefix),
		encode: encodeRecord, decode: decodeRecord, absent: &Record{},
	}
	configurations := &table[Integration]{
		view:   logical.NewStorageView(storage, integrationsPrefix),
		encode: encodeIntegration,
	}
	open := &table[Flow]{
		view:   logical.NewStorageView(storage, flowsPrefix),
		encode: encodeFlow, decode: decodeFlow,
	}
	wrong := &faults{now: now}
	waiting := &backlog{faults: wrong}
	found := &findings{backlog: waiting, table: &table[Finding]{
		view:   logical.NewStorageView(storage, healthPrefix),
		encode: encodeFinding, decode: decodeFinding, absent: &Finding{},
	}}
	pending := &table[Pending]{
		view:   logical.NewStorageView(storage, pendingPrefix),
		encode: encodePending, decode: decodePending,
	}
	groups := &groups{
		registry: registry, integrations: configurations,
		index: logical.NewStorageView(storage, groupsPrefix),
	}
	configurations.decode = func(key string, data []byte) (*Integration, error) {
		in, err := decodeIntegration(key, data)
		return groups.settled(in), err
	}
	unsaved, learnt := &refreshes{}, &lessons{backlog: waiting}
	integrations := &Integrations{
		table: configurations, records: records, groups: groups, findings: found, pending: pending, refreshes: unsaved, lessons: learnt, mount: mount, marks: marks, locks: locks,
	}
	configuration := &readOnly{integrations, groups}
	credentials := &Credentials{
		integrations: configuration, records: records, mount: mount, marks: marks, locks: locks, now: now,
		flows: &flows{table: open, locks: locks, now: now}, refreshes: unsaved, endings: &endings{}, pools: &pools{}, lessons: learnt, findings: found, pending: pending, faults: wrong,
	}
	return &Backend{
		Mount:        mount,
		Integrations: integrations,
		Credentials:  credentials,
		Watch: &Watch{
			integrations: configuration, credentials: credentials, findings: found, mount: mount, locks: locks, now: now,
			notify: notify, backlog: waiting, faults: wrong, schedule: newSchedule(),
		},
	}
}

// Close lets no refresh of an access token begin, and waits a moment for those under
// way.
func (b *Backend) Close() { b.Credentials.refreshes.close(closePatience) }

// SealWrapped returns the storage keys and prefixes whose entries are secret, and
// the mount's settings, which say what may be called. A configuration may hold the
// secret of an OAuth client.
func SealWrapped() []string {
	return []string{credentialsPrefix, integrationsPrefix, flowsPrefix, pendingPrefix, mountKey, salt.DefaultLocation}
}

// Invalidate forgets what is cached under a storage key that another node changed.
func (b *Backend) Invalidate(key string) {
	if name, ok := strings.CutPrefix(key, integrationsPrefix); ok {
		b.Integrations.table.invalidate(name)
	} else if id, ok := strings.CutPrefix(key, credentialsPrefix); ok {
		b.Credentials.lessons.forget(id)
		b.Credentials.records.invalidate(id)
	} else if hash, ok := strings.CutPrefix(key, flowsPrefix); ok {
		b.Credentials.flows.table.invalidate(hash)
	} else if name, ok := strings.CutPrefix(key, healthPrefix); ok {
		b.Watch.findings.invalidate(name)
	} else if id, ok := strings.CutPrefix(key, pendingPrefix); ok {
		b.Credentials.pending.invalidate(id)
	} else if key == mountKey {
		b.Mount.table.invalidate(mountKey)
	}
}
