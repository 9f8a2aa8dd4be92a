package backend

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"vault-plugin-secrets-sei/providers"
)

// Integrations reads and writes configurations. It is safe for concurrent use.
type Integrations struct {
	table   *table[Integration]
	records *table[Record]
	groups  *groups
	mount   *MountSettings
	marks   *fingerprints
	locks   *locks
}

// Draft is what a write of a configuration sends; settings that it does not have
// stay as they are.
type Draft struct {
	// Create allows the write to create the integration. Without it, one that
	// was deleted meanwhile does not come back with half its settings.
	Create   bool
	Provider string
	AuthType string
	Settings providers.Settings
}

// Read returns the integration, or a refusal with CodeUnknownIntegration.
func (s *Integrations) Read(ctx context.Context, name string) (*Integration, error) {
	return known(name)(s.table.load(ctx, name))
}

// Exists reports whether the integration is configured.
func (s *Integrations) Exists(ctx context.Context, name string) (bool, error) {
	in, err := s.table.load(ctx, name)
	return in != nil, err
}

// List returns the names, sorted.
func (s *Integrations) List(ctx context.Context) ([]string, error) { return s.table.list(ctx) }

// Provider returns the provider of an integration.
func (s *Integrations) Provider(in *Integration) (providers.Provider, error) {
	return s.groups.provider(in)
}

// Write creates the integration or changes the settings that the draft has. It
// is refused if it would change what never changes, if it would change where a
// stored credential is sent, or if the mount does not allow the address.
func (s *Integrations) Write(ctx context.Context, name string, draft Draft) error {
	edit := func(before *Integration) (*Integration, error) { return s.merge(name, before, draft) }
	move, release, err := s.lock(ctx, name, edit)
	if err != nil {
		return err
	}
	defer release()
	if err := s.judge(ctx, move); err != nil {
		return err
	}
	if move.joins() {
		if err := s.groups.join(ctx, move.to, name); err != nil {
			return err
		}
	}
	if err := s.table.save(ctx, name, move.after); err != nil {
		return err
	}
	if move.leaves() {
		// The change is made. What this may leave behind is an entry of the index
		// that nobody believes, or a record without a credential.
		_ = s.leave(ctx, move)
	}
	return nil
}

// leave takes the integration out of its former group. Without anybody left the
// group's record goes; it has no credential, or the move had been refused.
func (s *Integrations) leave(ctx context.Context, m move) error {
	siblings, err := s.groups.siblings(ctx, m.from, m.after.Name)
	if err != nil {
		return err
	}
	if len(siblings) == 0 {
		if err := s.records.remove(ctx, m.from); err != nil {
			return err
		}
	}
	return s.groups.leave(ctx, m.from, m.after.Name)
}

// move is a configuration before and after a change, and the credential records
// that belong to it.
type move struct {
	before, after *Integration // nil where there is none
	from, to      string       // "" where there is none
}

func (m move) joins() bool  { return m.to != "" && m.to != m.from }
func (m move) leaves() bool { return m.from != "" && m.to != m.from }

// lock locks the integration and every credential record that a change of it
// touches. Which these are is only known from the configuration, so it looks
// again once it has the locks, and starts over if they are others.
func (s *Integrations) lock(ctx context.Context, name string, edit func(*Integration) (*Integration, error)) (move, func(), error) {
	for {
		planned, err := s.plan(ctx, name, edit)
		if err != nil {
			return move{}, nil, err
		}
		names := slices.DeleteFunc([]string{name, planned.from, planned.to}, func(n string) bool { return n == "" })
		release, err := s.locks.acquire(ctx, names...)
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

func (s *Integrations) plan(ctx context.Context, name string, edit func(*Integration) (*Integration, error)) (m move, err error) {
	if m.before, err = s.table.loadExact(ctx, name); err != nil {
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

// judge refuses a configuration that is incomplete or would be unsafe.
func (s *Integrations) judge(ctx context.Context, m move) error {
	p, err := s.Provider(m.after)
	if err != nil {
		return err
	}
	spec := p.Spec()
	if err := required(m.after, spec); err != nil {
		return err
	}
	if m.before == nil {
		// Made here, where the first write is, so that checks write nothing.
		if _, err := s.marks.key(ctx); err != nil {
			return err
		}
	} else if err := s.keepsCredentialHome(ctx, m, spec); err != nil {
		return err
	}
	mount, err := s.mount.Read(ctx)
	if err != nil {
		return err
	}
	if err := addressAllowed(m.after, spec, mount); err != nil {
		return err
	}
	if err := s.settingsFit(m.after, spec, mount); err != nil || !m.joins() {
		return err
	}
	return s.judgeRecord(ctx, m)
}

// judgeRecord looks at the credential record that the integration is about to
// have. Others that share it must agree about where it is sent. Without others it
// was left behind by an integration of the same name, and a new one, with another
// url perhaps, must not inherit its secret.
func (s *Integrations) judgeRecord(ctx context.Context, m move) error {
	siblings, err := s.groups.siblings(ctx, m.to, m.after.Name)
	if err != nil {
		return err
	}
	if len(siblings) > 0 {
		return s.groups.conflict(m.after, siblings)
	}
	record, err := s.records.loadExact(ctx, m.to)
	if err != nil || record.Version == 0 {
		return err
	}
	return s.records.remove(ctx, m.to)
}

// settingsFit lets the provider judge the form of what only it understands.
func (s *Integrations) settingsFit(in *Integration, spec providers.Spec, mount *Mount) error {
	p, err := s.Provider(in)
	if err != nil {
		return err
	}
	checker, ok := p.(providers.SettingsChecker)
	if !ok {
		return nil
	}
	var cause *providers.Error
	if err := checker.CheckSettings(in.target(spec, mount)); errors.As(err, &cause) {
		return &Error{Code: string(cause.Outcome), Message: cause.Error(), Fields: cause.Fields, Integration: in.Name, Provider: in.Provider}
	} else if err != nil {
		return err
	}
	return nil
}

// merge applies the draft. A new integration gets its provider and auth type
// from it; for an existing one they must be the same.
func (s *Integrations) merge(name string, before *Integration, draft Draft) (*Integration, error) {
	if before == nil && !draft.Create {
		return nil, UnknownIntegration(name)
	}
	if before == nil {
		return &Integration{Name: name, Provider: draft.Provider, AuthType: draft.AuthType, Settings: draft.Settings.Clone()}, nil
	}
	var changed []string
	if draft.Provider != before.Provider {
		changed = append(changed, "provider")
	}
	if draft.AuthType != before.AuthType {
		changed = append(changed, "auth_type")
	}
	after := *before
	after.Settings = merge(before.Settings, draft.Settings)
	p, err := s.Provider(before)
	if err != nil {
		return nil, err
	}
	changed = append(changed, differing(before, &after, p.Spec(), func(f providers.Field) bool { return f.Fixed })...)
	if len(changed) > 0 {
		return nil, &Error{
			Code: CodeImmutableField, Integration: name, Provider: before.Provider, Fields: changed,
			Message: fmt.Sprintf("%s of an integration never changes; create another integration instead", strings.Join(changed, " and ")),
		}
	}
	return &after, nil
}

// keepsCredentialHome refuses a change of where the stored credential is sent.
func (s *Integrations) keepsCredentialHome(ctx context.Context, m move, spec providers.Spec) error {
	changed := differing(m.before, m.after, spec, func(f providers.Field) bool { return f.Locates })
	if len(changed) == 0 {
		return nil
	}
	record, err := s.records.loadExact(ctx, m.from)
	if err != nil || record.Current == nil {
		return err
	}
	return &Error{
		Code: CodeCredentialPresent, Integration: m.before.Name, Provider: m.before.Provider, Fields: changed,
		Message: fmt.Sprintf("%s decides where the stored credential is sent and cannot change while there is one; delete creds/%s first, then change it and re-authenticate", strings.Join(changed, " and "), m.before.Name),
	}
}

// addressAllowed refuses a literal address or a scheme that the mount does not allow.
func addressAllowed(in *Integration, spec providers.Spec, mount *Mount) error {
	for _, f := range spec.SettingsOf(in.AuthType) {
		url := in.Settings.Text(f.Name)
		if f.Kind != providers.URL || url == "" {
			continue
		}
		check := mount.AllowedHosts.CheckURL
		if f.Name == "proxy_url" {
			check = mount.AllowedHosts.CheckProxyURL
		}
		if err := check(url); err != nil {
			return &Error{
				Code: string(providers.AddressNotAllowed), Integration: in.Name, Provider: in.Provider, Fields: []string{f.Name},
				Message: fmt.Sprintf("%s: %s", f.Name, err),
			}
		}
	}
	return nil
}

// Delete removes the credential, then the configuration, in this order: stopped
// half-way it leaves a configuration without a secret. A shared credential goes
// with the last of those that share it. Deleting what is not there is not an error.
func (s *Integrations) Delete(ctx context.Context, name string) error {
	gone := func(*Integration) (*Integration, error) { return nil, nil } //nolint:nilnil // nil is what is left
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
		if err := s.records.remove(ctx, move.from); err != nil {
			return err
		}
	}
	if err := s.table.remove(ctx, name); err != nil {
		return err
	}
	return s.groups.leave(ctx, move.from, name)
}

// required refuses a configuration that lacks a required setting.
func required(in *Integration, spec providers.Spec) error {
	var missing []string
	for _, f := range spec.SettingsOf(in.AuthType) {
		if f.Required && reflect.ValueOf(in.Settings.Value(f)).IsZero() {
			missing = append(missing, f.Name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return &Error{
		Code: CodeMissingField, Integration: in.Name, Provider: in.Provider, Fields: missing,
		Message: fmt.Sprintf("%s needs %s", spec.Title, strings.Join(missing, " and ")),
	}
}

// differing returns the names of the fields that match and differ between two
// configurations, a default counting as written.
func differing(before, after *Integration, spec providers.Spec, match func(providers.Field) bool) []string {
	fields := spec.SettingsOf(before.AuthType)
	a, b := providers.WithDefaults(fields, before.Settings), providers.WithDefaults(fields, after.Settings)
	var names []string
	for _, f := range fields {
		if match(f) && !reflect.DeepEqual(a.Value(f), b.Value(f)) {
			names = append(names, f.Name)
		}
	}
	slices.Sort(names)
	return names
}

// merge returns the settings with changes laid over them.
func merge(settings, changes providers.Settings) providers.Settings {
	s := settings.Clone()
	maps.Copy(s.Texts, changes.Texts)
	maps.Copy(s.Lists, changes.Lists)
	maps.Copy(s.Maps, changes.Maps)
	maps.Copy(s.Flags, changes.Flags)
	maps.Copy(s.Numbers, changes.Numbers)
	return s
}

// known turns an absent integration into a refusal.
func known(name string) func(*Integration, error) (*Integration, error) {
	return func(in *Integration, err error) (*Integration, error) {
		if in == nil && err == nil {
			return nil, UnknownIntegration(name)
		}
		return in, err
	}
}
