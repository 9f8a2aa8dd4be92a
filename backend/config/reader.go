package config

import (
	"context"
	"net/url"
	"strings"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

// Reader reads configuration and has no way to write it. It is safe for concurrent use.
type Reader struct {
	groups *groups
}

// Read returns the integration, or a refusal with CodeUnknownIntegration.
func (r *Reader) Read(ctx context.Context, name string) (*backend.Integration, error) {
	return known(name)(r.groups.integrations.Load(ctx, name))
}

// ReadExact is Read for a caller that acts on it.
func (r *Reader) ReadExact(ctx context.Context, name string) (*backend.Integration, error) {
	return known(name)(r.groups.integrations.LoadExact(ctx, name))
}

// List returns the names, sorted.
func (r *Reader) List(ctx context.Context) ([]string, error) { return r.groups.integrations.List(ctx) }

// Cached reports whether a read of the integration would touch no storage.
func (r *Reader) Cached(name string) bool { return r.groups.integrations.Cached(name) }

// Version is a number that grows with every change.
func (r *Reader) Version() uint64 { return r.groups.integrations.Version() }

// Provider returns the provider of an integration.
func (r *Reader) Provider(in *backend.Integration) (providers.Provider, error) {
	return r.groups.provider(in)
}

// Spec is what the provider of an integration is; empty where this build does not have it.
func (r *Reader) Spec(in *backend.Integration) providers.Spec { return r.groups.spec(in) }

// RecordID is the key of the integration's credential record.
func (r *Reader) RecordID(in *backend.Integration) (string, error) { return r.groups.id(in) }

// Subject resolves an integration. Its mount is the caller's to set.
func (r *Reader) Subject(in *backend.Integration) (*backend.Subject, error) {
	p, err := r.groups.provider(in)
	if err != nil {
		return nil, err
	}
	spec := r.groups.spec(in)
	auth, _ := spec.AuthType(in.AuthType)
	return &backend.Subject{Integration: in, Provider: p, Spec: spec, AuthType: auth, RecordID: in.RecordID(p, spec)}, nil
}

// Destination stands for where a credential of the integration is sent.
func (r *Reader) Destination(in *backend.Integration) string { return r.groups.destination(in) }

// DestinationAsWritten is Destination as a version noted it for which a line break counted.
func (r *Reader) DestinationAsWritten(in *backend.Integration) string {
	return r.groups.destinationBy(in, providers.Settings.Value)
}

// SameDestination reports whether a credential was checked where the integration leads.
func (r *Reader) SameDestination(in *backend.Integration, s *backend.Stored) bool {
	return r.groups.sameDestination(in, s)
}

// Siblings returns the other integrations that share the record, sorted by name. They must
// agree with in about where the credential is sent.
func (r *Reader) Siblings(ctx context.Context, id string, in *backend.Integration) ([]*backend.Integration, error) {
	found, err := r.groups.siblings(ctx, id, in.Name)
	if err != nil {
		return nil, err
	}
	return found, r.groups.conflict(in, found)
}

// Host is the host that an integration names, "" where it names none.
func (r *Reader) Host(in *backend.Integration) string {
	if _, err := r.groups.provider(in); err != nil {
		return ""
	}
	u, err := url.Parse(in.URL(r.groups.spec(in)))
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Host)
}
