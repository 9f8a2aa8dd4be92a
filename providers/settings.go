package providers

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// maxDuration is ten years in seconds: no duration that makes sense is longer.
const maxDuration = 10 * 365 * 24 * 3600

// Settings are the values of an integration's settings as they were written,
// one map for each type of Go value. They never hold a credential of the upstream;
// the only secret among them is that of an OAuth client. A Settings is immutable once
// it is published; Clone before changing one.
type Settings struct {
	Texts   map[string]string            `json:"texts,omitempty"`
	Lists   map[string][]string          `json:"lists,omitempty"`
	Maps    map[string]map[string]string `json:"maps,omitempty"`
	Flags   map[string]bool              `json:"flags,omitempty"`
	Numbers map[string]int64             `json:"numbers,omitempty"` // counts; durations in seconds
	Secrets map[string]Secret            `json:"-"`                 // no encoder writes a Secret
}

// Text returns a Text, Email, URL or PEM setting as it is meant, or "". Texts has it as
// it was written: with the line break that a file or a heredoc ends with.
func (s Settings) Text(name string) string { return Line(s.Texts[name]) }

// Line is a text without line breaks at its end.
func Line(text string) string { return strings.TrimRight(text, "\r\n") }

// List returns a List setting, or nil.
func (s Settings) List(name string) []string { return s.Lists[name] }

// Flag returns a Flag setting, or false.
func (s Settings) Flag(name string) bool { return s.Flags[name] }

// Number returns a Count or a Duration in seconds, or 0.
func (s Settings) Number(name string) int64 { return s.Numbers[name] }

// Secret returns a Token setting, or the empty secret.
func (s Settings) Secret(name string) Secret { return s.Secrets[name] }

// Has reports whether a setting has a value other than that of its kind for nothing.
func (s Settings) Has(f Field) bool {
	if f.Kind.Secret() {
		return !s.Secrets[f.Name].Empty()
	}
	return !reflect.ValueOf(s.Value(f)).IsZero()
}

// Clone returns a copy whose maps can be changed.
func (s Settings) Clone() Settings {
	c := Settings{
		Texts: clone(s.Texts), Lists: clone(s.Lists), Maps: clone(s.Maps),
		Flags: clone(s.Flags), Numbers: clone(s.Numbers), Secrets: clone(s.Secrets),
	}
	for k, v := range c.Lists {
		c.Lists[k] = slices.Clone(v)
	}
	for k, v := range c.Maps {
		c.Maps[k] = maps.Clone(v)
	}
	return c
}

func clone[V any](m map[string]V) map[string]V {
	if m == nil {
		return map[string]V{}
	}
	return maps.Clone(m)
}

// CommonSettings are the settings that an integration of any provider has,
// beside its provider and auth_type. The slice is the caller's.
func CommonSettings() []Field {
	return []Field{
		{Name: "url", Title: "URL", Kind: URL, Locates: true},
		{Name: "description", Title: "Description", Kind: Text, Prose: true, Description: "Free text for people."},
		{Name: "labels", Title: "Labels", Kind: Map, Prose: true, Description: "key=value pairs for people and automation."},
		{Name: "ca_cert", Title: "CA certificate", Kind: PEM, Locates: true, Description: "PEM certificates to trust for this upstream, instead of the system's."},
		{Name: "tls_server_name", Title: "TLS server name", Kind: Text, Locates: true, Description: "Name to expect in the upstream's certificate, where it is not the URL's host."},
		{Name: "proxy_url", Title: "Proxy URL", Kind: URL, Locates: true, Description: "HTTP proxy to reach the upstream through, e.g. http://proxy.example.com:3128; without user and password."},
		{Name: "required_scopes", Title: "Required scopes", Kind: List, Description: "Rights a new credential must have, in the upstream's own names; one that lacks any, or whose rights cannot be read, is refused. Only for auth types that tell the rights of a token."},
		{Name: "pin_identity", Title: "Pin identity", Kind: Flag, Description: "Refuse a new credential of another account than the one before."},
		{Name: "health_check_interval", Title: "Health check interval", Kind: Duration, Max: maxDuration, Description: "Seconds between health checks; the mount's where not set, 0 for none."},
		{Name: "auto_rotate", Title: "Rotate automatically", Kind: Flag, Description: "Let the engine renew the token by itself before it ends, where the upstream can."},
		{Name: "rotate_before", Title: "Rotate before", Kind: Duration, Max: maxDuration, Description: "Seconds before the expiry at which to rotate by itself; a third of the lifetime, but at least three days, where not set, and never more than half of it."},
		{Name: "rotation_schedule", Title: "Rotation schedule", Kind: Text, Description: "When windows begin in which to rotate by itself, in the five fields of cron and in UTC, such as 0 2 * * SUN; at any time where not set. Where no window begins in time before the expiry, none is waited for."},
		{Name: "rotation_window", Title: "Rotation window", Kind: Duration, Max: maxDuration, Description: "Seconds for which a window of rotation_schedule is open, at least 3600; 0 for as long as it takes."},
	}
}

// Means returns the value of a field as Value does, a text as it is meant: two settings
// that mean the same may be written differently.
func (s Settings) Means(f Field) any {
	if text, ok := s.Value(f).(string); ok {
		return Line(text)
	}
	return s.Value(f)
}

// WithDefaults returns s with every field that has no value set to its default,
// or to the empty value of its kind, so that what is read has a stable shape.
func WithDefaults(fields []Field, s Settings) Settings {
	s = s.Clone()
	for _, f := range fields {
		switch f.Kind {
		case List:
			setDefault(s.Lists, f.Name, []string{})
		case Map:
			setDefault(s.Maps, f.Name, map[string]string{})
		case Flag:
			setDefault(s.Flags, f.Name, f.Default == "true")
		case Count, Duration:
			n, _ := strconv.ParseInt(f.Default, 10, 64) // "" is 0
			setDefault(s.Numbers, f.Name, n)
		case Token, Pool: // a secret has no default
		case Text, Email, URL, PEM, Time:
			if s.Texts[f.Name] == "" { // cleared, which means the default
				s.Texts[f.Name] = f.Default
			}
		}
	}
	return s
}

func setDefault[V any](m map[string]V, name string, value V) {
	if _, ok := m[name]; !ok {
		m[name] = value
	}
}

// Value returns the value of a field as a string, []string, map[string]string,
// bool or int64, by its kind; the zero value of that type where it is not set. Of a
// secret it returns "": Secret has it.
func (s Settings) Value(f Field) any {
	switch f.Kind {
	case List:
		return s.Lists[f.Name]
	case Map:
		return s.Maps[f.Name]
	case Flag:
		return s.Flags[f.Name]
	case Count, Duration:
		return s.Numbers[f.Name]
	case Token, Pool:
		return ""
	case Text, Email, URL, PEM, Time:
	}
	return s.Texts[f.Name]
}
