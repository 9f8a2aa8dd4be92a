package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/catalog"
)

// prefix begins all variables.
const prefix = "SEI_LIVE_"

// attempt is one credential and how its check should end.
type attempt struct {
	name string
	want providers.Outcome // "" means that it works
	cred providers.Credential
}

// plan is what is tried, and where.
type plan struct {
	provider string
	auth     providers.AuthType
	url      string
	// hosts are host and port of all that may be asked.
	hosts    []string
	settings providers.Settings
	// named are the values of settings that may say who somebody is.
	named    []string
	attempts []attempt
	// without are the attempts for which there is no credential.
	without []string
}

// variables are what the environment sets, by the name after the prefix. Each is to be
// taken once; what is left nobody knows.
type variables map[string]string

func (v variables) take(name string) string {
	value := v[strings.ToUpper(name)]
	delete(v, strings.ToUpper(name))
	return value
}

// readPlan reads the environment. Its error names variables, and never a value of one
// that may be secret.
func readPlan(name string, environ []string) (plan, error) {
	registry := catalog.All("")
	defer registry.Close()
	if !slices.Contains(registry.Names(), name) {
		return plan{}, fmt.Errorf("there is no provider %q; there are %s", name, strings.Join(registry.Names(), ", "))
	}
	spec, set := registry.Spec(name), variables{}
	for _, pair := range environ {
		key, value, _ := strings.Cut(pair, "=")
		if key, ok := strings.CutPrefix(key, prefix); ok && value != "" {
			set[key] = value
		}
	}
	p := plan{provider: name}
	for _, step := range []func(providers.Spec, variables) error{p.readAuthType, p.readHosts, p.readSettings, p.readAttempts} {
		if err := step(spec, set); err != nil {
			return plan{}, err
		}
	}
	if len(set) > 0 {
		left := make([]string, 0, len(set))
		for key := range set {
			left = append(left, prefix+key)
		}
		slices.Sort(left)
		return plan{}, fmt.Errorf("nothing is known of %s for provider %s and auth type %s; docs/live.md lists the variables", strings.Join(left, ", "), name, p.auth.Name)
	}
	return p, nil
}

func (p *plan) readAuthType(spec providers.Spec, set variables) error {
	name := set.take("auth_type")
	if name == "" {
		name = spec.DefaultAuthType()
	}
	auth, ok := spec.AuthType(name)
	switch {
	case !ok:
		var names []string
		for _, a := range spec.AuthTypes {
			names = append(names, a.Name)
		}
		return fmt.Errorf("set %sAUTH_TYPE to one of %s", prefix, strings.Join(names, ", "))
	case auth.Unsupported != "":
		return fmt.Errorf("auth type %s has no check: %s", name, auth.Unsupported)
	case auth.Exchanged():
		return fmt.Errorf("auth type %s begins in a browser, which this does not have; try its upstream with another auth type", name)
	}
	p.auth = auth
	return nil
}

// readHosts reads what may be asked: the host of the url, and those that are named beside it.
func (p *plan) readHosts(spec providers.Spec, set variables) error {
	p.url = set.take("url")
	if p.url == "" {
		example := spec.DefaultURL
		if example == "" {
			example = "https://example.com"
		}
		return fmt.Errorf("name the address that may be asked: %sURL=%s", prefix, example)
	}
	u, err := url.Parse(p.url)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return fmt.Errorf("%sURL is not an https address without a user", prefix)
	}
	if net.ParseIP(u.Hostname()) != nil {
		return fmt.Errorf("%sURL must name its host by a name, and not by a number", prefix)
	}
	p.hosts = []string{authority(u.Host)}
	for host := range strings.SplitSeq(set.take("hosts"), ",") {
		if host = strings.TrimSpace(host); host == "" {
			continue
		}
		if strings.ContainsAny(host, "/*@ ") {
			return fmt.Errorf("%sHOSTS is a list of names such as api.github.com, separated by commas", prefix)
		}
		p.hosts = append(p.hosts, authority(host))
	}
	return nil
}

// authority is host and port in one spelling.
func authority(host string) string {
	if _, _, err := net.SplitHostPort(host); err != nil {
		host = net.JoinHostPort(strings.Trim(host, "[]"), "443")
	}
	return strings.ToLower(host)
}

// unused are the common settings that a check does not look at.
func unused() []string {
	return []string{
		"url", "description", "labels", "pin_identity", "health_check_interval",
		"auto_rotate", "rotate_before", "rotation_schedule", "rotation_window",
	}
}

func (p *plan) readSettings(spec providers.Spec, set variables) error {
	p.settings = providers.Settings{}.Clone()
	fields := spec.SettingsOf(p.auth.Name)
	for _, f := range fields {
		if slices.Contains(unused(), f.Name) {
			continue
		}
		value := set.take(f.Name)
		if value == "" {
			if f.Required && f.Default == "" {
				return fmt.Errorf("set %s%s: %s", prefix, strings.ToUpper(f.Name), f.Description)
			}
			continue
		}
		if err := p.set(f, value); err != nil {
			return fmt.Errorf("%s%s %w", prefix, strings.ToUpper(f.Name), err)
		}
	}
	p.settings = providers.WithDefaults(fields, p.settings)
	p.settings.Texts["url"] = p.url
	return nil
}

// set gives a setting its value.
func (p *plan) set(f providers.Field, value string) error {
	if len(f.Values) == 0 && f.Kind != providers.PEM && f.Name != "required_scopes" {
		for one := range strings.SplitSeq(value, ",") { // each entry of a list stands alone
			p.named = append(p.named, strings.TrimSpace(one))
		}
	}
	switch f.Kind {
	case providers.List:
		for entry := range strings.SplitSeq(value, ",") {
			p.settings.Lists[f.Name] = append(p.settings.Lists[f.Name], strings.TrimSpace(entry))
		}
	case providers.Flag:
		on, err := strconv.ParseBool(value)
		if err != nil {
			return errors.New("is neither true nor false")
		}
		p.settings.Flags[f.Name] = on
	case providers.Count, providers.Duration:
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return errors.New("is no whole number")
		}
		p.settings.Numbers[f.Name] = n
	case providers.PEM:
		pem, err := os.ReadFile(value) //nolint:gosec // whoever runs it says which file
		if err != nil {
			return errors.New("is not the path of a file that can be read")
		}
		p.settings.Texts[f.Name] = string(pem)
	case providers.Token, providers.Pool:
		p.settings.Secrets[f.Name] = providers.NewSecret(value)
	case providers.Map:
		return errors.New("cannot be set here")
	case providers.Text, providers.Email, providers.URL, providers.Time:
		p.settings.Texts[f.Name] = value
	}
	return nil
}

// readAttempts reads the credentials. What one of the others does not set is as in the
// good one, but its secrets.
func (p *plan) readAttempts(_ providers.Spec, set variables) error {
	good, _ := p.credential("GOOD", set, nil)
	for _, f := range p.auth.Fields {
		if f.Required && good[f.Name] == nil {
			return fmt.Errorf("set %sGOOD_%s: %s", prefix, strings.ToUpper(f.Name), f.Title)
		}
	}
	mutated, err := p.mutated(good)
	if err != nil {
		return err
	}
	p.attempts = []attempt{
		{"good", "", providers.NewCredential(good)},
		{"mutated", providers.Rejected, providers.NewCredential(mutated)},
	}
	for _, other := range []attempt{{name: "expired", want: providers.Rejected}, {name: "lacking", want: providers.InsufficientScope}} {
		values, secret := p.credential(strings.ToUpper(other.name), set, good)
		if !secret {
			p.without = append(p.without, other.name)
			continue
		}
		other.cred = providers.NewCredential(values)
		p.attempts = append(p.attempts, other)
	}
	return nil
}

// credential reads the fields of one attempt, and tells whether a secret is among those
// that are set.
func (p *plan) credential(name string, set variables, like map[string][]providers.Secret) (values map[string][]providers.Secret, secret bool) {
	values = map[string][]providers.Secret{}
	for _, f := range p.auth.Fields {
		value := set.take(name + "_" + f.Name)
		switch {
		case value == "" && like[f.Name] != nil:
			values[f.Name] = like[f.Name]
		case value == "":
		case f.Kind == providers.Pool:
			for one := range strings.SplitSeq(value, ",") {
				values[f.Name] = append(values[f.Name], providers.NewSecret(strings.TrimSpace(one)))
			}
		default:
			values[f.Name] = []providers.Secret{providers.NewSecret(value)}
		}
		secret = secret || value != "" && f.Kind.Secret()
	}
	return values, secret
}
