package mounted

import (
	"context"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/helper/salt"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/config"
	"vault-plugin-secrets-sei/backend/credential"
	"vault-plugin-secrets-sei/backend/fault"
	"vault-plugin-secrets-sei/backend/finding"
	"vault-plugin-secrets-sei/backend/fingerprint"
	"vault-plugin-secrets-sei/backend/handout"
	"vault-plugin-secrets-sei/backend/health"
	"vault-plugin-secrets-sei/backend/invite"
	"vault-plugin-secrets-sei/backend/mount"
	"vault-plugin-secrets-sei/backend/notify"
	"vault-plugin-secrets-sei/backend/oauth"
	"vault-plugin-secrets-sei/backend/quota"
	"vault-plugin-secrets-sei/backend/rotation"
	"vault-plugin-secrets-sei/backend/store"
	"vault-plugin-secrets-sei/backend/swap"
	"vault-plugin-secrets-sei/backend/sweep"
	"vault-plugin-secrets-sei/backend/waiting"
	"vault-plugin-secrets-sei/providers"
)

// closePatience is how long the end of the engine waits for what goes on after its request.
const closePatience = 10 * time.Second

// Backend is one mount's integrations, credentials and settings. It is safe for
// concurrent use.
type Backend struct {
	Integrations *config.Integrations
	Mount        *mount.Settings
	Credentials  *credential.Door
	Consents     *oauth.Consents
	Handouts     *handout.Handouts
	Waiting      *waiting.Waiting
	Rotations    *rotation.Rotations
	Watch        *health.Watch
	Swaps        *swap.Swaps
	Sweeper      *sweep.Sweeper
	Notifier     *notify.Notifier
	Invitations  *invite.Invitations

	records   *credential.Records
	findings  *finding.Findings
	pendings  *rotation.Pendings
	refreshes *oauth.Refreshes
	faults    *fault.Faults
}

// New returns the backend of a mount over its storage. now tells the time; tell
// takes events, from any goroutine.
func New(storage logical.Storage, registry *providers.Registry, now func() time.Time, tell backend.Notify) *Backend {
	storage = store.Patient{Storage: storage}
	locks, prints, quotas, troubles := &store.Locks{}, fingerprint.New(store.NewOnly(storage, salt.DefaultLocation)), &quota.Pools{}, &rotation.Troubles{}
	b := &Backend{
		Mount: mount.New(store.NewOnly(storage, backend.MountKey), locks), records: credential.NewRecords(storage), pendings: rotation.NewPendings(storage),
		refreshes: &oauth.Refreshes{}, faults: fault.New(now),
	}
	backlog := fault.NewBacklog(b.faults)
	lessons := credential.NewLessons(backlog)
	b.findings = finding.New(storage, locks, backlog)
	b.Integrations = config.New(storage, config.Dependencies{
		Registry: registry, Records: b.records, Findings: b.findings, Leftovers: leftovers{b.pendings, b.refreshes, lessons},
		Mounts: b.Mount, Fingerprints: prints, Locks: locks,
	})
	reader := b.Integrations.Reader()
	b.Credentials = credential.New(credential.Dependencies{
		Configurations: reader, Mounts: b.Mount, Records: b.records, Fingerprints: prints, Locks: locks,
		Findings: b.findings, Quotas: quotas, Faults: b.faults, Unsaved: b.refreshes, Lessons: lessons, Now: now,
	})
	b.Invitations = invite.New(invite.NewBook(storage, locks, now), b.Credentials, reader, tell)
	b.Consents = oauth.New(storage, b.Credentials, reader, b.Mount, b.refreshes, locks, b.Invitations, b.faults, now)
	b.Handouts = handout.New(b.Credentials, b.Consents, quotas, b.findings, reader, now)
	b.Waiting = waiting.New(b.Handouts, reader, b.Mount, now)
	quotas.OnChange(b.Waiting.Reported)
	for _, of := range []changing{b.Integrations, b.records, b.findings, b.Mount} {
		of.OnChange(b.Waiting.Changed)
	}
	b.Rotations = rotation.New(b.Credentials, reader, b.pendings, now)
	seen := health.NewSightings()
	plan := sweep.NewSchedule(seen)
	b.Watch = health.New(health.Dependencies{
		Configuration: reader, Door: b.Credentials, Consents: b.Consents, Handouts: b.Handouts, Findings: b.findings, Faults: b.faults,
		Mounts: b.Mount, Quotas: quotas, Troubles: troubles, Sightings: seen, Turns: plan, Now: now, Notify: tell,
	})
	b.Swaps = swap.New(b.Credentials, b.Consents, b.Rotations, b.pendings, b.Watch, b.Invitations, b.faults, now, tell)
	b.Sweeper = sweep.New(sweep.Dependencies{
		Configuration: reader, Mounts: b.Mount, Door: b.Credentials, Findings: b.findings, Watch: b.Watch, Sightings: seen,
		Rotations: b.Rotations, Troubles: troubles, Swaps: b.Swaps, Faults: b.faults, Schedule: plan, Now: now, Notify: tell,
	})
	b.Notifier = notify.New(notify.Dependencies{
		Targets: logical.NewStorageView(storage, backend.NotifyPrefix), Told: logical.NewStorageView(storage, backend.NotifiedPrefix),
		Subjects: subjects{b.Watch, reader, b.Invitations}, Poster: registry.Poster(), AllowedHosts: b.allowedHosts, Now: now, Inviter: inviter{b}, Fault: b.noteNotify,
	})
	return b
}

// changing is a table of what a read of creds/ depends on.
type changing interface{ OnChange(fn func(key string)) }

// leftovers are what else is kept of a credential record.
type leftovers struct {
	pendings  *rotation.Pendings
	refreshes *oauth.Refreshes
	lessons   *credential.Lessons
}

// Remove deletes the note of a rotation under way.
func (l leftovers) Remove(ctx context.Context, id string) error { return l.pendings.Remove(ctx, id) }

// Drop forgets what could not be stored.
func (l leftovers) Drop(id string) {
	l.refreshes.Saved(id)
	l.pendings.Drop(id)
	l.lessons.Forget(id)
}

// SwapsTo has swaps told. It is for the code that has just made the backend.
func (b *Backend) SwapsTo(tell backend.TellSwap) { b.Credentials.SwapsTo(tell) }

// FaultsTo makes tell know what goes wrong while nobody asks. Call it before anything
// else.
func (b *Backend) FaultsTo(tell fault.Tell) { b.faults.TellTo(tell) }

// Faults returns what goes wrong now while nobody asks: of one integration and of all, or
// with "" everything.
func (b *Backend) Faults(name string) []fault.Fault { return b.faults.All(name) }

// Close lets no refresh of an access token begin, and waits a moment for those under
// way.
func (b *Backend) Close() { b.Credentials.Close(closePatience) }

// SealWrapped returns the storage keys and prefixes whose entries are secret, and
// the mount's settings, which say what may be called. A configuration may hold the
// secret of an OAuth client, and the address of a webhook is one.
func SealWrapped() []string {
	return []string{backend.CredentialsPrefix, backend.IntegrationsPrefix, backend.FlowsPrefix, backend.InvitesPrefix, backend.PendingPrefix, backend.NotifyPrefix, backend.MountKey, salt.DefaultLocation}
}

// Invalidate forgets what is cached under a storage key that another node changed.
func (b *Backend) Invalidate(key string) {
	if name, ok := strings.CutPrefix(key, backend.IntegrationsPrefix); ok {
		b.Integrations.Invalidate(name)
	} else if id, ok := strings.CutPrefix(key, backend.CredentialsPrefix); ok {
		b.Credentials.Invalidate(id)
	} else if hash, ok := strings.CutPrefix(key, backend.FlowsPrefix); ok {
		b.Consents.Invalidate(hash)
	} else if hash, ok := strings.CutPrefix(key, backend.InvitesPrefix); ok {
		b.Invitations.Invalidate(hash)
	} else if name, ok := strings.CutPrefix(key, backend.HealthPrefix); ok {
		b.findings.Invalidate(name)
	} else if id, ok := strings.CutPrefix(key, backend.PendingPrefix); ok {
		b.pendings.Invalidate(id)
	} else if key == backend.MountKey {
		b.Mount.Invalidate()
	}
	b.Notifier.Invalidate(key)
}
