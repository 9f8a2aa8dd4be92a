package catalogtest

import (
	"errors"
	"net/http"

	"vault-plugin-secrets-sei/providers/gitlab/gitlabtest"
	"vault-plugin-secrets-sei/providers/harness/harnesstest"
	"vault-plugin-secrets-sei/providers/providertest"
	"vault-plugin-secrets-sei/providers/sonarqube/sonarqubetest"
)

// renewable is a fake whose tokens can have successors made.
type renewable interface {
	Living(account string) []string
	Renewals() providertest.Renewals
	SetClockJSON(body []byte) error
	SetRulesJSON(body []byte) error
}

var (
	_ renewable = (*gitlabtest.GitLab)(nil)
	_ renewable = (*harnesstest.Harness)(nil)
	_ renewable = (*sonarqubetest.SonarQube)(nil)
)

// controlRenewals adds what fakes with rotation have to the control.
func (w *World) controlRenewals(mux *http.ServeMux) {
	w.tellRenewable(mux, "GET /{fake}/living", func(n renewable, r *http.Request) any { return n.Living(r.URL.Query().Get("account")) })
	w.tellRenewable(mux, "GET /{fake}/renewals", func(n renewable, _ *http.Request) any { return n.Renewals() })
	w.handleRenewable(mux, "POST /{fake}/clock", renewable.SetClockJSON)
	w.handleRenewable(mux, "POST /{fake}/rules", renewable.SetRulesJSON)
}

func (w *World) tellRenewable(mux *http.ServeMux, pattern string, tell func(n renewable, r *http.Request) any) {
	mux.HandleFunc(pattern, func(rw http.ResponseWriter, r *http.Request) {
		n, ok := w.Fakes()[r.PathValue("fake")].(renewable)
		if !ok {
			http.NotFound(rw, r)
			return
		}
		providertest.WriteJSON(rw, http.StatusOK, tell(n, r))
	})
}

func (w *World) handleRenewable(mux *http.ServeMux, pattern string, do func(n renewable, body []byte) error) {
	w.handle(mux, pattern, func(f providertest.Fake, body []byte) error {
		n, ok := f.(renewable)
		if !ok {
			return errors.New("tokens of this fake have no successors")
		}
		return do(n, body)
	})
}
