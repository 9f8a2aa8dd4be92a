package backend

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"vault-plugin-secrets-sei/providers"
)

// keepSecret guards what a check says. A hostile upstream can answer with the
// secret it was just sent, as the name of an account or in the address of a page,
// and would have it written to answers, logs and the history.
func keepSecret(p providers.Provider, t providers.Target, cred providers.Credential, v providers.Verified, err error) (providers.Verified, error) {
	auth, _ := p.Spec().AuthType(t.AuthType)
	var failure *providers.Error
	switch {
	case err == nil && repeats(fmt.Sprintf("%+v", v), auth, cred):
		return providers.Verified{}, &providers.Error{
			Outcome: providers.UpstreamError, Provider: p.Spec().Title,
			Detail: "the answer repeats the credential where it should name an account, which no such upstream does; check url",
		}
	case errors.As(err, &failure) && repeats(fmt.Sprintf("%+v", *failure), auth, cred):
		return providers.Verified{}, &providers.Error{
			Outcome: failure.Outcome, Provider: failure.Provider, RetryAfter: failure.RetryAfter, Bad: failure.Bad,
			Detail: "the upstream refused, and repeated the credential in its answer, which is therefore not shown; check url",
		}
	}
	return v, err
}

// repeats reports whether text holds a secret of the credential, as it is or as
// HTTP Basic authentication encodes it.
func repeats(text string, auth providers.AuthType, cred providers.Credential) bool {
	users := []string{""}
	for _, field := range auth.Fields {
		if !field.Kind.Secret() {
			users = append(users, cred.Value(field.Name).Reveal())
		}
	}
	for _, field := range auth.Handed() {
		if !field.Kind.Secret() {
			continue
		}
		for _, secret := range cred.Values(field.Name) {
			if holds(text, secret.Reveal(), users) {
				return true
			}
		}
	}
	return false
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
	for _, form := range forms {
		if strings.Contains(text, form) {
			return true
		}
	}
	return false
}

func encoded(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
