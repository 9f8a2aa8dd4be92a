package config

import (
	"context"
	"maps"
	"slices"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/store"
)

// move is a configuration before and after a change, and the credential records
// that belong to it.
type move struct {
	before, after *backend.Integration // nil where there is none
	from, to      string               // "" where there is none
}

func (m move) joins() bool { return m.to != "" && m.to != m.from }

func (m move) leaves() bool { return m.from != "" && m.to != m.from }

// changesNothing reports whether the configuration that was written is the one that is
// stored.
func (m move) changesNothing() bool {
	if m.before == nil || m.after == nil || m.joins() {
		return false
	}
	a, b := m.before.Settings, m.after.Settings
	return maps.Equal(a.Texts, b.Texts) && maps.Equal(a.Flags, b.Flags) && maps.Equal(a.Numbers, b.Numbers) &&
		maps.EqualFunc(a.Lists, b.Lists, slices.Equal[[]string]) && maps.EqualFunc(a.Maps, b.Maps, maps.Equal[map[string]string, map[string]string]) &&
		maps.EqualFunc(a.Secrets, b.Secrets, backend.EqualSecrets)
}

// lock locks the integration and every credential record that a change of it
// touches, before the checks that wait for them. Which these are is only known from the
// configuration, so it reads that again once it has the locks, and starts over if they are
// others.
func (s *Integrations) lock(ctx context.Context, name string, edit func(*backend.Integration) (*backend.Integration, error)) (move, func(), error) {
	for {
		planned, err := s.plan(ctx, name, edit)
		if err != nil {
			return move{}, nil, err
		}
		names := slices.DeleteFunc([]string{name, planned.from, planned.to}, func(n string) bool { return n == "" })
		release, err := s.locks.Take(ctx, store.Turn{First: true}, names...)
		if err != nil {
			return move{}, nil, err
		}
		now, err := s.plan(ctx, name, edit)
		if err == nil && now.from == planned.from && now.to == planned.to {
			return now, release, nil
		}
		release()
		if err != nil {
			return move{}, nil, err
		}
	}
}

func (s *Integrations) plan(ctx context.Context, name string, edit func(*backend.Integration) (*backend.Integration, error)) (m move, err error) {
	if m.before, err = s.table.LoadExact(ctx, name); err != nil {
		return move{}, err
	}
	if m.after, err = edit(m.before); err != nil {
		return move{}, err
	}
	if m.before != nil {
		m.from = s.groups.idAnyway(m.before)
	}
	if m.after != nil {
		m.to, err = s.groups.id(m.after)
	}
	return m, err
}
