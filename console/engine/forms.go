package engine

import (
	"cmp"
	"context"
	"slices"
)

// Field is a setting or a part of a credential, as the engine describes it.
type Field struct {
	Name        string   `json:"name"`
	Title       string   `json:"title"`
	Description string   `json:"description"`
	Required    bool     `json:"required"`
	Secret      bool     `json:"secret"`
	Multiple    bool     `json:"multiple"`
	Kind        string   `json:"kind"`
	Values      []string `json:"values"`
	Default     string   `json:"default"`
	Fixed       bool     `json:"fixed"`
	Locates     bool     `json:"locates"`
}

// Form is what a re-authentication takes.
type Form struct {
	Name        string   `json:"name"`
	Provider    string   `json:"provider"`
	AuthType    string   `json:"auth_type"`
	Supported   bool     `json:"supported"`
	Reason      string   `json:"reason"`
	Fields      []Field  `json:"fields"`
	AlsoUpdates []string `json:"also_updates"`
}

// Consents reports whether a person consents at the vendor, instead of entering a secret.
func (f Form) Consents() bool {
	names := make([]string, 0, len(f.Fields))
	for _, field := range f.Fields {
		names = append(names, field.Name)
	}
	return slices.Contains(names, "code") && slices.Contains(names, "state")
}

// Form reads what a re-authentication takes.
func (m Mount) Form(ctx context.Context, name string) (Form, error) {
	var f Form
	_, err := m.vault.Read(ctx, m.path+"reauth/"+name, &f)
	return f, err
}

// Provider is what the engine supports of one upstream.
type Provider struct {
	Name            string              `json:"name"`
	Title           string              `json:"title"`
	DefaultURL      string              `json:"default_url"`
	URLHelp         string              `json:"url"`
	AuthTypes       map[string]AuthType `json:"auth_types"`
	DefaultAuthType string              `json:"default_auth_type"`
	Settings        []Field             `json:"settings"`
	LeastRights     string              `json:"least_rights"`
}

// AuthType is one way to authenticate.
type AuthType struct {
	Title     string  `json:"title"`
	Supported bool    `json:"reauth_supported"`
	Reason    string  `json:"reason"`
	Settings  []Field `json:"settings"`
}

// Providers lists the names of what this engine supports.
func (m Mount) Providers(ctx context.Context) ([]string, error) { return m.keys(ctx, "providers") }

// Provider reads what the engine supports of one upstream.
func (m Mount) Provider(ctx context.Context, name string) (Provider, error) {
	var p Provider
	_, err := m.vault.Read(ctx, m.path+"providers/"+name, &p)
	return p, err
}

// Fields returns the settings of an integration with that auth type: those that it must have
// first. The url is described as the provider wants it.
func (p Provider) Fields(authType string) []Field {
	fields := slices.Concat(p.Settings, p.AuthTypes[authType].Settings)
	for i, f := range fields {
		if f.Name == "url" {
			fields[i].Description, fields[i].Default, fields[i].Required = p.URLHelp, p.DefaultURL, p.DefaultURL == ""
		}
	}
	slices.SortStableFunc(fields, func(a, b Field) int { return cmp.Compare(rank(a), rank(b)) })
	return fields
}

func rank(f Field) int {
	if f.Required {
		return 0
	}
	return 1
}

// Configure makes an integration or changes settings of it.
func (m Mount) Configure(ctx context.Context, name string, settings map[string]any) ([]string, error) {
	return m.vault.Write(ctx, m.path+"integrations/"+name, settings, nil)
}
