package config

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/finding"
	"vault-plugin-secrets-sei/backend/fingerprint"
	"vault-plugin-secrets-sei/backend/store"
	"vault-plugin-secrets-sei/providers"
)

// Integrations reads and writes configurations. It is safe for concurrent use.
type Integrations struct {
	table   *store.Table[backend.Integration]
	groups  *groups
	records CredentialRecords
	// findings of an integration go with it, and so do leftovers.
	findings  *finding.Findings
	leftovers Leftovers
	mounts    Mounts
	prints    *fingerprint.Fingerprints
	locks     *store.Locks
}

// CredentialRecords is what a change of an integration can do with credential records.
type CredentialRecords interface {
	LoadExact(ctx context.Context, id string) (*backend.Record, error)
	// Carry takes counter and history along to a key that has none.
	Carry(ctx context.Context, from, to string) error
	Remove(ctx context.Context, id string) error
}

// Mounts reads the settings of the mount.
type Mounts interface {
	Read(ctx context.Context) (*backend.Mount, error)
}

// Leftovers is what else is kept of a credential record and goes with it.
type Leftovers interface {
	// Remove deletes what is stored.
	Remove(ctx context.Context, id string) error
	// Drop forgets what could not be stored.
	Drop(id string)
}

// Dependencies are what integrations need of others. None may be nil. New keeps them, and
// nobody else reads this struct: its fields are exported for a literal in package mounted.
type Dependencies struct {
	Registry     *providers.Registry
	Records      CredentialRecords
	Findings     *finding.Findings
	Leftovers    Leftovers
	Mounts       Mounts
	Fingerprints *fingerprint.Fingerprints
	Locks        *store.Locks
}

// New returns the integrations in a storage.
func New(storage logical.Storage, n Dependencies) *Integrations {
	groups := &groups{registry: n.Registry, index: logical.NewStorageView(storage, backend.GroupsPrefix)}
	groups.integrations = store.NewTable(storage, backend.IntegrationsPrefix, backend.EncodeIntegration, func(key string, data []byte) (*backend.Integration, error) {
		in, err := backend.DecodeIntegration(key, data)
		return groups.resolved(in), err
	}, nil)
	return &Integrations{
		table: groups.integrations, groups: groups, records: n.Records, findings: n.Findings, leftovers: n.Leftovers,
		mounts: n.Mounts, prints: n.Fingerprints, locks: n.Locks,
	}
}

// Reader returns what reads configuration and cannot write it.
func (s *Integrations) Reader() *Reader { return &Reader{s.groups} }

// OnChange has fn told, by its key in storage, of each configuration that may read
// otherwise. It is for the code that has just made the integrations.
func (s *Integrations) OnChange(fn func(key string)) { s.table.OnChange(fn) }

// Invalidate forgets what is cached of an integration that another node changed.
func (s *Integrations) Invalidate(name string) { s.table.Invalidate(name) }

// Read returns the integration, or a refusal with CodeUnknownIntegration.
func (s *Integrations) Read(ctx context.Context, name string) (*backend.Integration, error) {
	return known(name)(s.table.Load(ctx, name))
}

// SharedWith returns the other integrations that share the credential, sorted by name.
func (s *Integrations) SharedWith(ctx context.Context, in *backend.Integration) ([]*backend.Integration, error) {
	id, err := s.groups.id(in)
	if err != nil {
		return nil, err
	}
	return s.groups.siblings(ctx, id, in.Name)
}

// Exists reports whether the integration is configured.
func (s *Integrations) Exists(ctx context.Context, name string) (bool, error) {
	in, err := s.table.Load(ctx, name)
	return in != nil, err
}

// List returns the names, sorted.
func (s *Integrations) List(ctx context.Context) ([]string, error) { return s.table.List(ctx) }

// Provider returns the provider of an integration.
func (s *Integrations) Provider(in *backend.Integration) (providers.Provider, error) {
	return s.groups.provider(in)
}

// Write creates the integration or changes the settings that the draft has. It
// is refused if it would change what never changes, if it would change where a
// stored credential is sent, or if the mount does not allow the address.
func (s *Integrations) Write(ctx context.Context, name string, draft backend.Draft) error {
	edit := func(before *backend.Integration) (*backend.Integration, error) { return s.merge(name, before, draft) }
	planned, err := s.plan(ctx, name, edit)
	if err != nil {
		return err
	}
	if planned.changesNothing() { // so it need not end a check that is under way
		return s.validate(ctx, planned, draft)
	}
	move, release, err := s.lock(ctx, name, edit)
	if err != nil {
		return err
	}
	defer release()
	if err := s.validate(ctx, move, draft); err != nil {
		return err
	}
	if move.joins() {
		if err := s.groups.join(ctx, move.to, name); err != nil {
			return err
		}
		if err := s.carry(ctx, move); err != nil {
			return err
		}
	}
	if move.leaves() {
		forgotten, err := s.forgetFinding(ctx, name)
		if err != nil {
			return err
		}
		defer forgotten()
	}
	if err := s.table.Save(ctx, name, s.groups.resolved(move.after)); err != nil {
		return err
	}
	if move.leaves() {
		// The change is made. What this may leave behind is an entry of the index
		// that nobody believes, or a record without a credential.
		_ = s.leave(ctx, move)
	}
	return nil
}

// carry takes counter and history along to a group that has none: a version never
// goes back. There is no credential, or the move had been refused. Stopped here,
// it leaves a record without a secret that the next to join removes.
func (s *Integrations) carry(ctx context.Context, m move) error {
	if m.before == nil {
		return nil
	}
	return s.records.Carry(ctx, m.from, m.to)
}

// leave takes the integration out of its former group. Without anybody left the
// group's record goes; it has no credential, or the move had been refused.
func (s *Integrations) leave(ctx context.Context, m move) error {
	siblings, err := s.groups.siblings(ctx, m.from, m.after.Name)
	if err != nil {
		return err
	}
	if len(siblings) == 0 {
		if err := s.records.Remove(ctx, m.from); err != nil {
			return err
		}
	}
	return s.groups.leave(ctx, m.from, m.after.Name)
}

// merge applies the draft. A new integration gets its provider and auth type
// from it; for an existing one they must be the same.
func (s *Integrations) merge(name string, before *backend.Integration, draft backend.Draft) (*backend.Integration, error) {
	if before == nil && !draft.Create {
		return nil, backend.UnknownIntegration(name)
	}
	if before == nil {
		return &backend.Integration{Name: name, ID: backend.RandomSecret().Reveal(), Provider: draft.Provider, AuthType: draft.AuthType, Settings: draft.Settings.Clone()}, nil
	}
	var changed []string
	if draft.Provider != before.Provider {
		changed = append(changed, "provider")
	}
	if draft.AuthType != before.AuthType {
		changed = append(changed, "auth_type")
	}
	after := before.Resolved("", "")
	after.Settings = backend.Merge(before.Settings, draft.Settings)
	p, err := s.Provider(before)
	if err != nil {
		return nil, err
	}
	changed = append(changed, differing(before, after, p.Spec(), func(f providers.Field) bool { return f.Fixed })...)
	if len(changed) > 0 {
		return nil, &backend.Error{
			Code: backend.CodeImmutableField, Integration: name, Provider: before.Provider, Fields: changed,
			Message: fmt.Sprintf("%s of an integration never changes; create another integration instead", strings.Join(changed, " and ")),
		}
	}
	if locates := func(f providers.Field) bool { return f.Locates }; len(differing(before, after, p.Spec(), locates)) > 0 {
		after = after.WithoutUnknownSecrets(p.Spec())
	}
	return after, nil
}

// Delete removes the credential, then the configuration, in this order: stopped
// half-way it leaves a configuration without a secret. A shared credential goes
// with the last of those that share it. Deleting what is not there is not an error.
func (s *Integrations) Delete(ctx context.Context, name string) error {
	gone := func(*backend.Integration) (*backend.Integration, error) { return nil, nil } //nolint:nilnil // nil is what is left
	move, release, err := s.lock(ctx, name, gone)
	if err != nil {
		return err
	}
	defer release()
	if move.before == nil {
		return nil
	}
	siblings, err := s.groups.siblings(ctx, move.from, name)
	if err != nil {
		return err
	}
	if len(siblings) == 0 {
		if err := s.leftovers.Remove(ctx, move.from); err != nil {
			return err
		}
		if err := s.records.Remove(ctx, move.from); err != nil {
			return err
		}
		s.leftovers.Drop(move.from)
	}
	forgotten, err := s.forgetFinding(ctx, name)
	if err != nil {
		return err
	}
	defer forgotten()
	if err := s.table.Remove(ctx, name); err != nil {
		return err
	}
	return s.groups.leave(ctx, move.from, name)
}

// forgetFinding removes what was found of the integration's credential. A check under
// way finds nothing before it releases the lock, and looks then whether there still is
// what it checked: else it could speak of another credential of the same version.
func (s *Integrations) forgetFinding(ctx context.Context, name string) (release func(), err error) {
	held, err := s.findings.Hold(ctx, name)
	if err != nil {
		return nil, err
	}
	if err := held.Remove(ctx); err != nil {
		held.Release()
		return nil, err
	}
	return held.Release, nil
}

// known turns an absent integration into a refusal.
func known(name string) func(*backend.Integration, error) (*backend.Integration, error) {
	return func(in *backend.Integration, err error) (*backend.Integration, error) {
		if in == nil && err == nil {
			return nil, backend.UnknownIntegration(name)
		}
		return in, err
	}
}
