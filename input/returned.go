package input

import (
	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

// longestReturn bounds each value that a browser brings back; Microsoft's codes have one
// or two thousand characters.
const longestReturn = 8 << 10

// Confirmation is the field of the callback's form that says that the person was asked.
const Confirmation = "confirmation"

// Returned reads the query of the callback, or the form that its page sends. Names that a server adds beyond RFC 6749, such
// as session_state, are ignored.
func Returned(sent map[string]any) (backend.Returned, error) {
	text := func(name string) string {
		value, _ := sent[name].(string)
		if len(value) > longestReturn {
			return ""
		}
		return value
	}
	back := backend.Returned{
		State: providers.NewSecret(text(providers.OAuthState)), Code: providers.NewSecret(text(providers.OAuthCode)),
		Confirmation: providers.NewSecret(text(Confirmation)), Denied: text("error"),
	}
	if back.State.Empty() || back.Code.Empty() == (back.Denied == "") {
		return backend.Returned{}, nothingBrought()
	}
	return back, nil
}

// nothingBrought refuses somebody who opens the callback without an authorization.
func nothingBrought() *backend.Error {
	return &backend.Error{
		Code:    backend.CodeOAuthStateInvalid,
		Message: "this address is for browsers that come back from an authorization server, and this one brings nothing that can be used",
	}
}
