package probe

import (
	"encoding/base64"
	"net/http"

	"vault-plugin-secrets-sei/providers"
)

// BasicHeaders authenticate by user and password (RFC 7617).
func BasicHeaders(user, password providers.Secret) map[string]string {
	pair := user.Reveal() + ":" + password.Reveal()
	return map[string]string{
		"Authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte(pair)),
		"Accept":        "application/json",
	}
}

// BearerHeaders authenticate by a token alone (RFC 6750).
func BearerHeaders(token providers.Secret) map[string]string {
	return map[string]string{"Authorization": "Bearer " + token.Reveal(), "Accept": "application/json"}
}

// HeaderOf is what Headers returns, as a request takes it.
func HeaderOf(m map[string]string) http.Header {
	h := make(http.Header, len(m))
	for name, value := range m {
		h.Set(name, value)
	}
	return h
}
