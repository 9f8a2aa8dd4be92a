package backend

import (
	"context"
	"net/url"
	"strings"

	"vault-plugin-secrets-sei/providers"
)

// Reader reads configuration and has no way to write it. It is safe for concurrent use.
type Reader struct {
	groups *groups
}

// Read returns the integration, or a refusal with CodeUnknownIntegration.
func (r *Reader) Read(ctx context.Context, name string) (*Integration, error) {
	return known(name)(r.groups.integrations.load(ctx, name))
}

// ReadExact is Read for whoever acts on what it says.
func (r *Reader) ReadExact(ctx context.Context, name string) (*Integration, error) {
	return known(name)(r.groups.integrations.loadExact(ctx, name))
}

// List returns the names, sorted.
func (r *Reader) List(ctx context.Context) ([]string, error) { return r.groups.integrations.list(ctx) }

// Cached reports whether a read of the integration would touch no storage.
func (r *Reader) Cached(name string) bool { return r.groups.integrations.cached(name) }

// Version is a number that grows with every change.
func (r *Reader) Version() uint64 { return r.groups.integrations.version() }

// Provider returns the provider of an integration.
func (r *Reader) Provider(in *Integration) (providers.Provider, error) { return r.groups.provider(in) }

// Spec is what the provider of an integration is; empty where this build does not have it.
func (r *Reader) Spec(in *Integration) providers.Spec { return r.groups.spec(in) }

// RecordID is the key of the integration's credential record.
func (r *Reader) RecordID(in *Integration) (string, error) { return r.groups.id(in) }

// Subject resolves an integration. Its mount is the caller's to set.
func (r *Reader) Subject(in *Integration) (*Subject, error) {
	p, err := r.groups.provider(in)
	if err != nil {
		return nil, err
	}
	spec := r.groups.spec(in)
	auth, _ := spec.AuthType(in.AuthType)
	return &Subject{Integration: in, Provider: p, Spec: spec, AuthType: auth, RecordID: in.recordID(p, spec)}, nil
}

// Home stands for where a credential of the integration is sent.
func (r *Reader) Home(in *Integration) string { return r.groups.home(in) }

// HomeAsWritten is Home as a version noted it for which a line break counted.
func (r *Reader) HomeAsWritten(in *Integration) string {
	return r.groups.homeBy(in, providers.Settings.Value)
}

// Houses reports whether a credential was checked where the integration leads.
func (r *Reader) Houses(in *Integration, s *Stored) bool { return r.groups.houses(in, s) }

// Siblings returns the other integrations that share the record, sorted by name. They must
// agree with in about where the credential is sent.
func (r *Reader) Siblings(ctx context.Context, id string, in *Integration) ([]*Integration, error) {
	found, err := r.groups.siblings(ctx, id, in.Name)
	if err != nil {
		return nil, err
	}
	return found, r.groups.conflict(in, found)
}

// Host is the host that an integration names, "" where it names none.
func (r *Reader) Host(in *Integration) string {
	if _, err := r.groups.provider(in); err != nil {
		return ""
	}
	u, err := url.Parse(in.URL(r.groups.spec(in)))
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Host)
}
