package config

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/store"
	"vault-plugin-secrets-sei/providers"
)

// groups knows which integrations share a credential record.
//
// The index has an entry groups/<id>/<name> for each member, written before the
// member's configuration and removed after it: stopped half-way it names too many,
// never too few, and a name is only believed if its configuration confirms it.
type groups struct {
	registry     *providers.Registry
	integrations *store.Table[backend.Integration]
	index        logical.Storage
}

// provider returns the provider of an integration.
func (g *groups) provider(in *backend.Integration) (providers.Provider, error) {
	p, ok := g.registry.Provider(in.Provider)
	if !ok {
		// Written by a build that had more providers.
		return nil, &backend.Error{
			Code: backend.CodeUnknownProvider, Integration: in.Name, Provider: in.Provider,
			Message: fmt.Sprintf("this build has no provider %q", in.Provider),
		}
	}
	return p, nil
}

// spec is what the provider of an integration is.
func (g *groups) spec(in *backend.Integration) providers.Spec { return g.registry.Spec(in.Provider) }

// idAnyway is id also for an integration whose provider this build does not have,
// so that its secret can be erased.
func (g *groups) idAnyway(in *backend.Integration) string {
	id, err := g.id(in)
	if err != nil {
		return in.Name
	}
	return id
}

// id is the key of the integration's credential record.
func (g *groups) id(in *backend.Integration) (string, error) {
	p, err := g.provider(in)
	if err != nil {
		return "", err
	}
	return in.RecordID(p, g.spec(in)), nil
}

// siblings returns the other integrations that share the record, sorted by name.
// The answer stays true while the caller holds the record's lock.
func (g *groups) siblings(ctx context.Context, id, name string) ([]*backend.Integration, error) {
	if !backend.SharedRecord(id) {
		return nil, nil
	}
	names, err := g.index.List(ctx, id+"/")
	if err != nil {
		return nil, fmt.Errorf("storage: listing a group: %w", err)
	}
	slices.Sort(names)
	var found []*backend.Integration
	for _, other := range names {
		in, err := g.member(ctx, id, other)
		if err != nil {
			return nil, err
		}
		if in != nil && other != name {
			found = append(found, in)
		}
	}
	return found, nil
}

// member returns the integration if it is of that group, else nil.
func (g *groups) member(ctx context.Context, id, name string) (*backend.Integration, error) {
	in, err := g.integrations.LoadExact(ctx, name)
	if err != nil || in == nil {
		return nil, err
	}
	own, err := g.id(in)
	if err != nil || own != id {
		return nil, err
	}
	return in, nil
}

// join notes that the integration is about to share the record.
func (g *groups) join(ctx context.Context, id, name string) error {
	if !backend.SharedRecord(id) {
		return nil
	}
	ctx, cancel := store.Uncut(ctx)
	defer cancel()
	if err := g.index.Put(ctx, &logical.StorageEntry{Key: id + "/" + name, Value: []byte("{}")}); err != nil {
		return fmt.Errorf("storage: joining a group: %w", err)
	}
	return nil
}

// leave notes that the integration no longer shares the record.
func (g *groups) leave(ctx context.Context, id, name string) error {
	if !backend.SharedRecord(id) {
		return nil
	}
	ctx, cancel := store.Uncut(ctx)
	defer cancel()
	if err := g.index.Delete(ctx, id+"/"+name); err != nil {
		return fmt.Errorf("storage: leaving a group: %w", err)
	}
	return nil
}

// conflict refuses members that would send the shared credential different ways.
func (g *groups) conflict(in *backend.Integration, siblings []*backend.Integration) error {
	p, err := g.provider(in)
	if err != nil {
		return err
	}
	sharer, ok := p.(providers.Sharer)
	if !ok {
		return nil
	}
	spec := p.Spec()
	same := sharer.SharedBy(in.Target(spec, &backend.Mount{}))
	for _, other := range siblings {
		fields := differing(in, other, spec, func(f providers.Field) bool {
			_, decided := same[f.Name] // equal, however it is spelled
			return f.Locates && !decided
		})
		if len(fields) > 0 {
			return &backend.Error{
				Code: backend.CodeGroupConflict, Integration: in.Name, Provider: in.Provider, Fields: fields,
				Message: fmt.Sprintf("integrations %q and %q share one credential and must agree in %s, which decides where it is sent; make them equal, or give this one a credential_group of its own", in.Name, other.Name, strings.Join(fields, " and ")),
			}
		}
	}
	return nil
}
