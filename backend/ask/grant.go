package ask

import (
	"errors"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

// Sent is what goes to a token endpoint and must not come back in what is told of it.
type Sent struct {
	Secrets []providers.Secret
	// client is the name that HTTP Basic authentication encodes together with a secret.
	client string
}

// SentWith are secrets of a request, those of the integration's settings, and those of the
// credential in use, which the same upstream has seen before.
func SentWith(in *backend.Integration, record *backend.Record, secrets ...providers.Secret) Sent {
	for _, secret := range in.Settings.Secrets {
		secrets = append(secrets, secret)
	}
	if record.Current != nil {
		for _, field := range record.Current.Credential.Fields() {
			secrets = append(secrets, record.Current.Credential.Values(field)...)
		}
	}
	return Sent{secrets, in.Settings.Text("client_id")}
}

// Guarded asks for tokens and guards what is told of a failure. A panic becomes "could not
// tell", as in validate: what was panicked with may quote a secret.
func Guarded(with Sent, ask func() (providers.Grant, error)) (g providers.Grant, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			g, err = providers.Grant{}, &providers.Error{
				Outcome: providers.UpstreamError, Provider: "OAuth", Detail: "the request for tokens broke off with an internal error",
				Panic: providers.Panicked(cause),
			}
		}
	}()
	g, err = ask()
	var cause *providers.Error
	if err != nil && !errors.As(err, &cause) {
		err = &providers.Error{Outcome: providers.UpstreamError, Provider: "OAuth", Detail: "the request for tokens failed"}
	}
	if hushed := hush(err, with.Secrets, []string{"", with.client}, "token_url"); hushed != nil {
		return providers.Grant{}, hushed
	}
	return g, err
}
