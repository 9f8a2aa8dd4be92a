package ask

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"vault-plugin-secrets-sei/providers"
)

// KeepSecret guards what a check says. A hostile upstream can answer with the
// secret it was just sent, as the name of an account or in the address of a page,
// and would have it written to answers, logs and the history.
func KeepSecret(p providers.Provider, t providers.Target, cred providers.Credential, v providers.Verified, err error) (providers.Verified, error) {
	auth, _ := p.Spec().AuthType(t.AuthType)
	secrets, users := secretsOf(auth, t, cred)
	if err == nil && repeats(fmt.Sprintf("%+v", v), secrets, users) {
		return providers.Verified{}, &providers.Error{
			Outcome: providers.UpstreamError, Provider: p.Spec().Title,
			Detail: "the answer repeats the credential where it should name an account, which no such upstream does; check url",
		}
	}
	if hushed := hush(err, secrets, users, "url"); hushed != nil {
		return providers.Verified{}, hushed
	}
	return v, err
}

// Quietly guards the error of a rotation as that of a check.
func Quietly(p providers.Provider, t providers.Target, cred providers.Credential, err error) error {
	_, err = KeepSecret(p, t, cred, providers.Verified{}, err)
	return err
}

// hush is what to tell instead of an error that repeats a secret; nil says that the error
// can be told.
func hush(err error, secrets []providers.Secret, users []string, setting string) error {
	var failure *providers.Error
	if !errors.As(err, &failure) || !repeats(fmt.Sprintf("%+v", *failure), secrets, users) {
		return nil
	}
	return &providers.Error{
		Outcome: failure.Outcome, Provider: failure.Provider, Fields: failure.Fields, RetryAfter: failure.RetryAfter, Bad: failure.Bad,
		Detail: "the upstream refused, and repeated the credential in its answer, which is therefore not shown; check " + setting,
	}
}

// secretsOf returns what must not be repeated: the secrets of the credential and of
// the settings, and the names that go with them in HTTP Basic authentication.
func secretsOf(auth providers.AuthType, t providers.Target, cred providers.Credential) (secrets []providers.Secret, users []string) {
	users = []string{"", t.Settings.Text("client_id")}
	open := map[string]bool{}
	for _, f := range auth.Fields {
		open[f.Name] = !f.Kind.Secret()
	}
	for _, name := range cred.Fields() {
		if open[name] {
			users = append(users, cred.Value(name).Reveal())
		} else {
			secrets = append(secrets, cred.Values(name)...)
		}
	}
	for _, secret := range t.Settings.Secrets {
		secrets = append(secrets, secret)
	}
	return secrets, users
}

// repeats reports whether text holds one of secrets, as it is or as HTTP Basic
// authentication encodes it, in whatever letter case: names of hosts have none.
func repeats(text string, secrets []providers.Secret, users []string) bool {
	return slices.ContainsFunc(secrets, func(s providers.Secret) bool { return holds(text, s.Reveal(), users) })
}

// Quiet is a grant without scopes that repeat a secret.
func Quiet(g providers.Grant, secrets ...providers.Secret) providers.Grant {
	secrets = append(secrets, g.AccessToken, g.RefreshToken)
	told := g.Scopes != nil
	g.Scopes = slices.DeleteFunc(slices.Clone(g.Scopes), func(scope string) bool { return repeats(scope, secrets, nil) })
	if told && g.Scopes == nil {
		g.Scopes = []string{}
	}
	return g
}

func holds(text, secret string, users []string) bool {
	// Shorter ones occur by chance; no upstream makes such tokens.
	const telling = 8
	if len(secret) < telling {
		return false
	}
	forms := []string{secret, encoded(secret), encoded(secret + ":")}
	for _, user := range users {
		forms = append(forms, encoded(user+":"+secret))
	}
	text = strings.ToLower(text)
	for _, form := range forms {
		if strings.Contains(text, strings.ToLower(form)) {
			return true
		}
	}
	return false
}

func encoded(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
