package providers

import (
	"encoding/base64"
	"net/http"
)

// basicHeaders authenticate by user and password (RFC 7617).
func basicHeaders(user, password Secret) map[string]string {
	pair := user.Reveal() + ":" + password.Reveal()
	return map[string]string{
		"Authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte(pair)),
		"Accept":        "application/json",
	}
}

// bearerHeaders authenticate by a token alone (RFC 6750).
func bearerHeaders(token Secret) map[string]string {
	return map[string]string{"Authorization": "Bearer " + token.Reveal(), "Accept": "application/json"}
}

// headerOf is what Headers returns, as a request takes it.
func headerOf(m map[string]string) http.Header {
	h := make(http.Header, len(m))
	for name, value := range m {
		h.Set(name, value)
	}
	return h
}
