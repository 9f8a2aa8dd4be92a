package backend

import (
	"context"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/helper/salt"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-sei/providers"
)

// closePatience is how long the end of the engine waits for what goes on after its request.
const closePatience = 10 * time.Second

// Backend is one mount's integrations, credentials and settings. It is safe for
// concurrent use.
type Backend struct {
	Integrations *Integrations
	Mount        *MountSettings
	Credentials  *Door
	Consents     *Consents
	Handouts     *Handouts
	Rotations    *Rotations
	Watch        *Watch
	Swaps        *Swaps
	Sweeper      *Sweeper

	records   *Records
	findings  *findings
	pendings  *pendings
	refreshes *refreshes
	faults    *faults
}

// New returns the backend of a mount over its storage. now tells the time; notify
// takes events, from any goroutine.
func New(storage logical.Storage, registry *providers.Registry, now func() time.Time, notify Notify) *Backend {
	storage = patient{storage}
	locks, prints, quotas, troubles := &locks{}, newFingerprints(storage), &pools{}, &troubles{}
	b := &Backend{
		Mount: newMountSettings(storage, locks), records: newRecords(storage), pendings: newPendings(storage),
		refreshes: &refreshes{}, faults: newFaults(now),
	}
	waiting := newBacklog(b.faults)
	lessons := newLessons(waiting)
	b.findings = newFindings(storage, locks, waiting)
	b.Integrations = newIntegrations(storage, Needs{
		Registry: registry, Records: b.records, Findings: b.findings, Leftovers: leftovers{b.pendings, b.refreshes, lessons},
		Mounts: b.Mount, Fingerprints: prints, Locks: locks,
	})
	reader := b.Integrations.Reader()
	b.Credentials = newDoor(Parts{
		Configurations: reader, Mounts: b.Mount, Records: b.records, Fingerprints: prints, Locks: locks,
		Findings: b.findings, Quotas: quotas, Faults: b.faults, Unsaved: b.refreshes, Lessons: lessons, Now: now,
	})
	b.Consents = newConsents(storage, b.Credentials, reader, b.Mount, b.refreshes, locks, b.faults, now)
	b.Handouts = newHandouts(b.Credentials, b.Consents, quotas, b.findings, reader, now)
	b.Rotations = newRotations(b.Credentials, reader, b.pendings, now)
	seen := newSightings()
	plan := newSchedule(seen)
	b.Watch = newWatch(Instruments{
		Configuration: reader, Door: b.Credentials, Consents: b.Consents, Handouts: b.Handouts, Findings: b.findings, Faults: b.faults,
		Mounts: b.Mount, Quotas: quotas, Troubles: troubles, Sightings: seen, Turns: plan, Now: now, Notify: notify,
	})
	b.Swaps = newSwaps(b.Credentials, b.Consents, b.Rotations, b.pendings, b.Watch, b.faults, now, notify)
	b.Sweeper = newSweeper(Crew{
		Configuration: reader, Mounts: b.Mount, Door: b.Credentials, Findings: b.findings, Watch: b.Watch, Sightings: seen,
		Rotations: b.Rotations, Troubles: troubles, Swaps: b.Swaps, Faults: b.faults, Schedule: plan, Now: now, Notify: notify,
	})
	return b
}

// leftovers are what else is kept of a credential record.
type leftovers struct {
	pendings  *pendings
	refreshes *refreshes
	lessons   *lessons
}

// Remove deletes the note of a rotation under way.
func (l leftovers) Remove(ctx context.Context, id string) error { return l.pendings.remove(ctx, id) }

// Drop forgets what could not be stored.
func (l leftovers) Drop(id string) {
	l.refreshes.Saved(id)
	l.pendings.drop(id)
	l.lessons.forget(id)
}

// SwapsTo has swaps told. It is for whoever has just made the backend.
func (b *Backend) SwapsTo(tell TellSwap) { b.Credentials.SwapsTo(tell) }

// FaultsTo makes tell know what goes wrong while nobody asks. Call it before anything
// else.
func (b *Backend) FaultsTo(tell TellFault) { b.faults.tellTo(tell) }

// Faults returns what goes wrong now while nobody asks: of one integration and of all, or
// with "" everything.
func (b *Backend) Faults(name string) []Fault { return b.faults.all(name) }

// Close lets no refresh of an access token begin, and waits a moment for those under
// way.
func (b *Backend) Close() { b.Credentials.Close(closePatience) }

// SealWrapped returns the storage keys and prefixes whose entries are secret, and
// the mount's settings, which say what may be called. A configuration may hold the
// secret of an OAuth client.
func SealWrapped() []string {
	return []string{credentialsPrefix, integrationsPrefix, flowsPrefix, pendingPrefix, mountKey, salt.DefaultLocation}
}

// Invalidate forgets what is cached under a storage key that another node changed.
func (b *Backend) Invalidate(key string) {
	if name, ok := strings.CutPrefix(key, integrationsPrefix); ok {
		b.Integrations.Invalidate(name)
	} else if id, ok := strings.CutPrefix(key, credentialsPrefix); ok {
		b.Credentials.Invalidate(id)
	} else if hash, ok := strings.CutPrefix(key, flowsPrefix); ok {
		b.Consents.Invalidate(hash)
	} else if name, ok := strings.CutPrefix(key, healthPrefix); ok {
		b.findings.invalidate(name)
	} else if id, ok := strings.CutPrefix(key, pendingPrefix); ok {
		b.pendings.invalidate(id)
	} else if key == mountKey {
		b.Mount.Invalidate()
	}
}
