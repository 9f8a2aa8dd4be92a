package engine

import (
	"context"
)

// Settings are what an integration was configured with, and its state.
type Settings map[string]any

// Text returns a setting that is a text, or "".
func (s Settings) Text(name string) string {
	text, _ := s[name].(string)
	return text
}

// Flag returns a setting that is true or false, or false.
func (s Settings) Flag(name string) bool {
	flag, _ := s[name].(bool)
	return flag
}

// Lines returns a setting that is a list, or nil.
func (s Settings) Lines(name string) []string {
	list, _ := s[name].([]any)
	lines := make([]string, 0, len(list))
	for _, one := range list {
		if text, ok := one.(string); ok {
			lines = append(lines, text)
		}
	}
	return lines
}

// Settings reads the configuration of an integration.
func (m Mount) Settings(ctx context.Context, name string) (Settings, error) {
	var s Settings
	_, err := m.vault.Read(ctx, m.path+"integrations/"+name, &s)
	return s, err
}

// Health is what is known of an integration's credential.
type Health struct {
	Name      string   `json:"name"`
	Provider  string   `json:"provider"`
	Version   int      `json:"version"`
	Status    string   `json:"status"`
	Code      string   `json:"code"`
	Message   string   `json:"message"`
	CheckedAt Time     `json:"checked_at"`
	Since     Time     `json:"since"`
	ExpiresAt Time     `json:"expires_at"`
	Members   []Member `json:"members"`
}

// Member is one token of a pool.
type Member struct {
	Position    int    `json:"position"`
	Fingerprint string `json:"fingerprint"`
	Identity    string `json:"identity"`
	Status      string `json:"status"`
	Code        string `json:"code"`
	ExpiresAt   Time   `json:"expires_at"`
	Quotas      map[string]struct {
		Remaining int  `json:"remaining"`
		ResetAt   Time `json:"reset_at"`
	} `json:"quotas"`
}

// Health reads what is known, and asks no upstream.
func (m Mount) Health(ctx context.Context, name string) (Health, []string, error) {
	var h Health
	warnings, err := m.vault.Read(ctx, m.path+"health/"+name, &h)
	return h, warnings, err
}

// Check has the upstream asked now.
func (m Mount) Check(ctx context.Context, name string) (Health, []string, error) {
	var h Health
	warnings, err := m.vault.Write(ctx, m.path+"health/"+name, map[string]any{}, &h)
	return h, warnings, err
}

// Swap is one entry of a history.
type Swap struct {
	Version         int    `json:"version"`
	Time            Time   `json:"time"`
	Cause           string `json:"cause"`
	Via             string `json:"via"`
	Identity        string `json:"identity"`
	Fingerprint     string `json:"fingerprint"`
	IdentityChanged bool   `json:"identity_changed"`
	DisplayName     string `json:"display_name"`
	RequestID       string `json:"request_id"`
}

// History reads the swaps, newest first.
func (m Mount) History(ctx context.Context, name string) ([]Swap, error) {
	var h struct {
		Entries []Swap `json:"entries"`
	}
	_, err := m.vault.Read(ctx, m.path+"history/"+name, &h)
	return h.Entries, err
}

// Change is the answer to a new credential.
type Change struct {
	Version         int      `json:"version"`
	PreviousVersion int      `json:"previous_version"`
	Identity        string   `json:"identity"`
	IdentityChanged bool     `json:"identity_changed"`
	AlsoUpdated     []string `json:"also_updated"`
}

// Reauth sends a credential.
func (m Mount) Reauth(ctx context.Context, name string, credential map[string]any) (Change, []string, error) {
	return m.change(ctx, "reauth/"+name, credential)
}

// Rotate has the upstream make the successor of the credential.
func (m Mount) Rotate(ctx context.Context, name string) (Change, []string, error) {
	return m.change(ctx, "rotate/"+name, map[string]any{})
}

// Rollback goes back to the credential before.
func (m Mount) Rollback(ctx context.Context, name string) (Change, []string, error) {
	return m.change(ctx, "rollback/"+name, map[string]any{})
}

func (m Mount) change(ctx context.Context, path string, fields map[string]any) (Change, []string, error) {
	var c Change
	warnings, err := m.vault.Write(ctx, m.path+path, fields, &c)
	return c, warnings, err
}

// Authorization is where a person consents.
type Authorization struct {
	URL       string `json:"authorize_url"`
	ExpiresAt Time   `json:"expires_at"`
}

// Authorize begins a consent at the vendor.
func (m Mount) Authorize(ctx context.Context, name string) (Authorization, error) {
	var a Authorization
	_, err := m.vault.Write(ctx, m.path+"oauth/authorize/"+name, map[string]any{}, &a)
	return a, err
}

// Invitation is a link by which somebody without a token can re-authenticate.
type Invitation struct {
	URL         string `json:"url"` // only in the answer that made it
	Accessor    string `json:"accessor"`
	Identity    string `json:"identity"`
	AnyIdentity bool   `json:"any_identity"`
	ExpiresAt   Time   `json:"expires_at"`
	DisplayName string `json:"display_name"`
}

// Invite makes an invitation.
func (m Mount) Invite(ctx context.Context, name string, wish map[string]any) (Invitation, []string, error) {
	var i Invitation
	warnings, err := m.vault.Write(ctx, m.path+"invites/"+name, wish, &i)
	return i, warnings, err
}

// Invitations reads which are open. An engine without invitations refuses; see
// [vaultapi.Refusal.Absent].
func (m Mount) Invitations(ctx context.Context, name string) ([]Invitation, error) {
	var list struct {
		Invitations []Invitation `json:"invitations"`
	}
	_, err := m.vault.Read(ctx, m.path+"invites/"+name, &list)
	return list.Invitations, err
}
