package catalogtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"vault-plugin-secrets-sei/providers/jira/jiratest"
	"vault-plugin-secrets-sei/providers/providertest"
	"vault-plugin-secrets-sei/providers/sonarqube/sonarqubetest"
)

// jsonAdder is a fake whose tokens can be described in JSON.
type jsonAdder interface{ AddJSON(body []byte) error }

// organizationAdder is a fake whose organisations can be described in JSON.
type organizationAdder interface {
	AddOrganizationJSON(body []byte) error
}

// Control returns a remote control for scripts, to be served on a port of its
// own. FAKE is a name of Fakes, such as jira, jira_dc, github, harness or gitlab_own:
//
//	GET    /ca                    the CA certificate, PEM
//	GET    /proxy                 the proxy's URL
//	POST   /FAKE/tokens           add a token: the JSON of JiraToken, GitHubToken, BitbucketToken,
//	                              AzureToken, HarnessToken, GitLabToken or SonarQubeToken
//	DELETE /FAKE/tokens           forget one: {"token": "…"}
//	POST   /FAKE/organizations    add one: the JSON of GitHubOrganization, BitbucketWorkspace or AzureOrganization
//	POST   /FAKE/anonymous        let anybody in (SonarQube): {"allow": true}
//	POST   /FAKE/captcha          demand a CAPTCHA (Jira): {"user": "…", "url": "…"}
//	POST   /FAKE/fault            misbehave: {"name": "…", "path": "…", "times": 0, "url": "…"}
//	                              with a name of FaultNames, or {"status": 418, "header": {}, "body": "", "wait_ms": 0, "drip_ms": 0}
//	DELETE /FAKE/fault            behave again
//	POST   /FAKE/clients          add a client (bitbucket, entra): the JSON of OAuthClient
//	POST   /FAKE/signin           put an account at the browser: the JSON of BitbucketToken or AzureToken
//	POST   /FAKE/life             set the life of access tokens issued from now on: {"seconds": 60}
//	DELETE /FAKE/grants           make all refresh tokens useless
//	DELETE /FAKE/access           make all access tokens useless
//	GET    /FAKE/issued           every code, access and refresh token so far, a JSON list
//	GET    /FAKE/refreshes        how often tokens were refreshed, a JSON number
//	GET    /FAKE/living           the tokens that work (gitlab, harness, sonarqube), a JSON list; ?account= limits it
//	                              to a user name, an e-mail address or a login
//	GET    /FAKE/renewals         what became of its tokens: the JSON of Renewals
//	POST   /FAKE/clock            set its clock and let all tokens end: {"ahead_seconds": 3600}
//	POST   /FAKE/rules            set the administrator's rules for new tokens: the JSON of RenewalRules
//	GET    /FAKE/requests         what came, JSON, without credentials
//	DELETE /FAKE/requests         forget it
//
// Changes are answered with 204, mistakes with 400 and a sentence.
func (w *World) Control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ca", func(rw http.ResponseWriter, _ *http.Request) {
		providertest.WriteText(rw, http.StatusOK, "application/x-pem-file", w.CAPEM())
	})
	mux.HandleFunc("GET /proxy", func(rw http.ResponseWriter, _ *http.Request) {
		providertest.WriteText(rw, http.StatusOK, "text/plain", w.ProxyURL()+"\n")
	})
	mux.HandleFunc("GET /{fake}/requests", func(rw http.ResponseWriter, r *http.Request) {
		if f, ok := w.Fakes()[r.PathValue("fake")]; ok {
			providertest.WriteJSON(rw, http.StatusOK, f.Requests())
			return
		}
		http.NotFound(rw, r)
	})
	w.handle(mux, "DELETE /{fake}/requests", func(f providertest.Fake, _ []byte) error { f.Forget(); return nil })
	w.handle(mux, "POST /{fake}/tokens", addToken)
	w.handle(mux, "DELETE /{fake}/tokens", revokeToken)
	w.handle(mux, "POST /{fake}/organizations", addOrganization)
	w.handle(mux, "POST /{fake}/anonymous", allowAnonymous)
	w.handle(mux, "POST /{fake}/captcha", demandCaptcha)
	w.handle(mux, "POST /{fake}/fault", setFault)
	w.handle(mux, "DELETE /{fake}/fault", func(f providertest.Fake, _ []byte) error { f.Behave(providertest.Fault{}); return nil })
	w.controlAuthorization(mux)
	w.controlRenewals(mux)
	return mux
}

func (w *World) handle(mux *http.ServeMux, pattern string, do func(f providertest.Fake, body []byte) error) {
	mux.HandleFunc(pattern, func(rw http.ResponseWriter, r *http.Request) {
		f, ok := w.Fakes()[r.PathValue("fake")]
		if !ok {
			http.NotFound(rw, r)
			return
		}
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		if err == nil {
			err = do(f, body)
		}
		if err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		rw.WriteHeader(http.StatusNoContent)
	})
}

func addToken(f providertest.Fake, body []byte) error {
	adder, ok := f.(jsonAdder)
	if !ok {
		return errors.New("this fake takes no tokens")
	}
	return adder.AddJSON(body)
}

func revokeToken(f providertest.Fake, body []byte) error {
	var in struct {
		Token string `json:"token"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return err
	}
	f.Revoke(in.Token)
	return nil
}

func addOrganization(f providertest.Fake, body []byte) error {
	adder, ok := f.(organizationAdder)
	if !ok {
		return errors.New("this fake has no organizations")
	}
	return adder.AddOrganizationJSON(body)
}

func demandCaptcha(f providertest.Fake, body []byte) error {
	j, ok := f.(*jiratest.Jira)
	if !ok {
		return errors.New("only Jira has a CAPTCHA")
	}
	var in struct{ User, URL string }
	if err := json.Unmarshal(body, &in); err != nil {
		return err
	}
	j.DemandCaptcha(in.User, in.URL)
	return nil
}

func allowAnonymous(f providertest.Fake, body []byte) error {
	s, ok := f.(*sonarqubetest.SonarQube)
	if !ok {
		return errors.New("only SonarQube lets anybody in")
	}
	var in struct {
		Allow bool `json:"allow"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return err
	}
	s.AllowAnonymous(in.Allow)
	return nil
}

func setFault(f providertest.Fake, body []byte) error {
	var in struct {
		providertest.Fault
		Name   string `json:"name"`
		URL    string `json:"url"`
		WaitMS int    `json:"wait_ms"`
		DripMS int    `json:"drip_ms"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return err
	}
	fault := in.Fault
	if in.Name != "" {
		named, ok := providertest.NamedFault(in.Name, in.URL)
		if !ok {
			return fmt.Errorf("no fault %q; there are %s", in.Name, strings.Join(providertest.FaultNames(), ", "))
		}
		named.Path, named.Times = in.Path, in.Times
		fault = named
	}
	if in.WaitMS > 0 {
		fault.Wait = time.Duration(in.WaitMS) * time.Millisecond
	}
	if in.DripMS > 0 {
		fault.Drip = time.Duration(in.DripMS) * time.Millisecond
	}
	f.Behave(fault)
	return nil
}
