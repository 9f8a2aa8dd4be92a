package catalogtest

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"vault-plugin-secrets-sei/providers/azuredevops/azuredevopstest"
	"vault-plugin-secrets-sei/providers/bitbucket/bitbuckettest"
	"vault-plugin-secrets-sei/providers/providertest"
)

// authorizer is a fake that is an authorization server.
type authorizer interface {
	SetLife(d time.Duration)
	RevokeGrants()
	RevokeAccess()
	Issued() []string
	Refreshes() int
	AddClientJSON(body []byte) error
	SignInJSON(body []byte) error
}

var (
	_ authorizer = (*bitbuckettest.Bitbucket)(nil)
	_ authorizer = (*azuredevopstest.Entra)(nil)
)

// controlAuthorization adds what authorization servers have to the control.
func (w *World) controlAuthorization(mux *http.ServeMux) {
	w.handleAuthorizer(mux, "POST /{fake}/clients", authorizer.AddClientJSON)
	w.handleAuthorizer(mux, "POST /{fake}/signin", authorizer.SignInJSON)
	w.handleAuthorizer(mux, "POST /{fake}/life", setLife)
	w.handleAuthorizer(mux, "DELETE /{fake}/grants", func(a authorizer, _ []byte) error { a.RevokeGrants(); return nil })
	w.handleAuthorizer(mux, "DELETE /{fake}/access", func(a authorizer, _ []byte) error { a.RevokeAccess(); return nil })
	w.tellAuthorizer(mux, "GET /{fake}/issued", func(a authorizer) any { return a.Issued() })
	w.tellAuthorizer(mux, "GET /{fake}/refreshes", func(a authorizer) any { return a.Refreshes() })
}

func (w *World) handleAuthorizer(mux *http.ServeMux, pattern string, do func(a authorizer, body []byte) error) {
	w.handle(mux, pattern, func(f providertest.Fake, body []byte) error {
		a, ok := f.(authorizer)
		if !ok {
			return errors.New("this fake is no authorization server")
		}
		return do(a, body)
	})
}

func (w *World) tellAuthorizer(mux *http.ServeMux, pattern string, tell func(a authorizer) any) {
	mux.HandleFunc(pattern, func(rw http.ResponseWriter, r *http.Request) {
		a, ok := w.Fakes()[r.PathValue("fake")].(authorizer)
		if !ok {
			http.NotFound(rw, r)
			return
		}
		providertest.WriteJSON(rw, http.StatusOK, tell(a))
	})
}

func setLife(a authorizer, body []byte) error {
	var in struct {
		Seconds *int `json:"seconds"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return err
	}
	if in.Seconds == nil || *in.Seconds < 0 {
		return errors.New("seconds must be a number, and not below 0")
	}
	a.SetLife(time.Duration(*in.Seconds) * time.Second)
	return nil
}
