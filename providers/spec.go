package providers

import (
	"net/url"
	"slices"
	"strings"
)

// Spec is what one provider is, as data: request parsing, help, OpenAPI and the
// documentation are derived from it. It is the same value each time and must not
// be changed.
type Spec struct {
	// Name is the value of the setting provider.
	Name string
	// Title is the product's name as its vendor writes it.
	Title string
	// DefaultURL is the url of an integration that sets none; empty where the
	// operator must say.
	DefaultURL string
	// URLHelp says what to enter as url, with an example.
	URLHelp string
	// AuthTypes are the ways to authenticate, at least one.
	AuthTypes []AuthType
	// Settings are the provider's own, beside CommonSettings.
	Settings []Field
	// LeastRights says which rights a token needs to be useful for analytics.
	LeastRights string
	// Expiry says where the end of a token's life is known from.
	Expiry string
	// Rotation says whether a token can renew itself.
	Rotation string
	// Check says what a check sends and what proves a credential.
	Check string
	// Unverified lists what is assumed of the upstream and stands in no source.
	Unverified []Assumption
	// TriedLive are the trials of make live on the real upstream, the newest first. Where
	// it is empty nobody has tried.
	TriedLive []Trial
}

// Trial says that the checks ended as expected on the real upstream.
type Trial struct {
	// Date is the day, such as 2026-12-01.
	Date string
	// Version is the engine's that tried, such as v1.2.0.
	Version string
	// AuthType is the auth type that was tried.
	AuthType string
}

// Assumption is something that a provider takes for true of its upstream.
type Assumption struct {
	// What is a sentence.
	What string
	// Settled names the answer, document or trial that would make it a fact, or refute it.
	Settled string
}

// AuthType is one shape of credential.
type AuthType struct {
	// Name is the value of the setting auth_type.
	Name string
	// Title is for people.
	Title string
	// Fields are the credential's fields; a credential has these and no others.
	Fields []Field
	// Issued is what creds/ hands out, where that is not what was entered: what an
	// authorization server issues for a code. Nil where it is Fields.
	Issued []Field
	// MadeAt is the vendor's page where a person makes such a credential. {url} in it stands
	// for the integration's url, and the name of another setting in braces for its value. It
	// is empty where there is nothing to make.
	MadeAt string
	// Settings are those that only this auth type has.
	Settings []Field
	// Unsupported is empty where re-authentication works; otherwise why it does
	// not, and what to do instead, in one or two sentences.
	Unsupported string
	// TellsScopes is whether the upstream says which rights a token has.
	// Without it required_scopes cannot be set.
	TellsScopes bool
}

// Kind is the type of a field's value.
type Kind uint8

// The kinds of fields. Their Go values are those of Settings.
const (
	Text     Kind = iota // a string of one line
	Email                // an e-mail address
	URL                  // an absolute http or https URL without user, query or fragment
	PEM                  // certificates in PEM form
	List                 // strings, also given as one comma-separated string
	Map                  // key=value pairs
	Flag                 // true or false
	Duration             // whole seconds, also given as 90s, 1h or 14d
	Count                // a whole number
	Time                 // RFC 3339 or a date, which means its first moment in UTC
	Token                // a secret
	Pool                 // one or several secrets, also given as one comma-separated string
)

// Secret reports whether values of this kind must never be shown.
func (k Kind) Secret() bool { return k == Token || k == Pool }

// Name says in one word what values of this kind are.
func (k Kind) Name() string {
	names := [...]string{"text", "email", "url", "pem", "list", "map", "flag", "duration", "count", "time", "token", "pool"}
	if int(k) >= len(names) {
		return ""
	}
	return names[k]
}

// Field is one setting or one credential field.
type Field struct {
	Name        string
	Title       string
	Description string
	Kind        Kind
	Required    bool
	// Values lists what is allowed; empty means anything.
	Values []string
	// Default is the text that an unset setting reads as.
	Default string
	// Min and Max bound a Count or Duration; Max 0 means no bound.
	Min, Max int64
	// Locates is set where the value decides to which host or account a
	// credential is sent; such a setting cannot change while a credential is stored.
	Locates bool
	// Fixed settings never change.
	Fixed bool
	// Later is set where a Required setting may be written after the integration is
	// made, so that what makes it needs no secret; until then it cannot be used.
	Later bool
	// AnyForm is set for a secret of which nobody knows how it looks: administrators of a
	// GitLab choose how its tokens begin, and an authorization server how its codes and the
	// secrets of clients look. Less of it is taken for a slip in copying.
	AnyForm bool
	// Prose is set for free text, in which joiners of letters and signs are no fault.
	Prose bool
	// Address is set for a secret that is the address of a webhook.
	Address bool
	// Visited is set for a URL that a browser goes to and the engine does not call:
	// the mount's allowed_hosts say nothing of it.
	Visited bool
}

// MakeAt is MadeAt for an integration with that url and those settings.
func (a AuthType) MakeAt(address string, setting func(name string) string) string {
	address = strings.TrimRight(address, "/")
	for _, api := range []string{"/api/v3", "/api/v4", "/2.0", "/gateway"} {
		address = strings.TrimSuffix(address, api)
	}
	made := strings.ReplaceAll(a.MadeAt, "{url}", address)
	for {
		before, rest, found := strings.Cut(made, "{")
		name, after, closed := strings.Cut(rest, "}")
		if !found || !closed {
			return made
		}
		made = before + url.PathEscape(setting(name)) + after
	}
}

// Exchanged reports whether what is entered is a code that an authorization server
// exchanges for the credential.
func (a AuthType) Exchanged() bool { return len(a.Issued) > 0 }

// TakesEnd reports whether a person enters when the credential ends, because the upstream
// does not tell.
func (a AuthType) TakesEnd() bool {
	return slices.ContainsFunc(a.Fields, func(f Field) bool { return f.Kind == Time })
}

// Handed returns the fields of the credential in use, which creds/ hands out.
func (a AuthType) Handed() []Field {
	if a.Exchanged() {
		return a.Issued
	}
	return a.Fields
}

// AuthType returns the auth type of that name.
func (s Spec) AuthType(name string) (AuthType, bool) {
	i := slices.IndexFunc(s.AuthTypes, func(a AuthType) bool { return a.Name == name })
	if i < 0 {
		return AuthType{}, false
	}
	return s.AuthTypes[i], true
}

// DefaultAuthType returns the only auth type that supports re-authentication,
// or "" where several do.
func (s Spec) DefaultAuthType() string {
	name := ""
	for _, a := range s.AuthTypes {
		switch {
		case a.Unsupported != "":
		case name != "":
			return ""
		default:
			name = a.Name
		}
	}
	return name
}

// SettingsOf returns every setting of an integration with that auth type:
// the common ones, the provider's own and the auth type's own, in that order.
func (s Spec) SettingsOf(authType string) []Field {
	fields := append(CommonSettings(), s.Settings...)
	if a, ok := s.AuthType(authType); ok {
		fields = append(fields, a.Settings...)
	}
	for i, f := range fields {
		if f.Name == "url" {
			fields[i].Default = s.DefaultURL
			fields[i].Required = s.DefaultURL == ""
			fields[i].Description = s.URLHelp
		}
	}
	return fields
}
