package providertest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// The hosts of a World.
const (
	JiraCloudURL         = "https://acme.atlassian.net"
	JiraDataCenterURL    = "https://jira.example.com/jira"
	GitHubURL            = "https://github.com"
	GitHubEnterpriseURL  = "https://github.example.com"
	GitHubDataResidence  = "https://acme.ghe.com"
	gitHubEnterpriseHost = "github.example.com"
	HarnessURL           = "https://app.harness.io"
	HarnessEuropeURL     = "https://accounts.eu.harness.io"
	HarnessOwnURL        = "https://harness.example.com"
	GitLabURL            = "https://gitlab.com"
	GitLabOwnURL         = "https://gitlab.example.com/gitlab"
	GitLabOldURL         = "https://gitlab-old.example.com"
	SonarQubeURL         = "https://sonarqube.example.com/sonar"
	SonarQubeOldURL      = "https://sonarqube-old.example.com"
	SonarQubeCloudURL    = "https://sonarcloud.io"
	SonarQubeCloudUSURL  = "https://sonarqube.us"
)

// World is an Internet with one fake of every upstream.
type World struct {
	*Internet
	// Jira is https://acme.atlassian.net, and its gateway on api.atlassian.com.
	Jira *Jira
	// JiraDataCenter is https://jira.example.com/jira.
	JiraDataCenter *Jira
	// GitHub is api.github.com and api.acme.ghe.com.
	GitHub *GitHub
	// GitHubEnterprise is https://github.example.com.
	GitHubEnterprise *GitHub
	// Harness is app.harness.io, app3.harness.io and accounts.eu.harness.io.
	Harness *Harness
	// HarnessOwn is https://harness.example.com, self-managed.
	HarnessOwn *Harness
	// GitLab is https://gitlab.com.
	GitLab *GitLab
	// GitLabOwn is https://gitlab.example.com/gitlab, self-managed below a path.
	GitLabOwn *GitLab
	// GitLabOld is https://gitlab-old.example.com, older than 15.5.
	GitLabOld *GitLab
	// SonarQube is https://sonarqube.example.com/sonar, which reads Bearer.
	SonarQube *SonarQube
	// SonarQubeOld is https://sonarqube-old.example.com, which ignores it.
	SonarQubeOld *SonarQube
	// SonarQubeCloud is https://sonarcloud.io and https://sonarqube.us.
	SonarQubeCloud *SonarQube
}

// NewWorld starts an Internet with fakes that know no token yet. Close it.
func NewWorld() *World {
	w := &World{
		Internet:         NewInternet(),
		Jira:             NewJira(JiraOptions{}),
		JiraDataCenter:   NewJira(JiraOptions{DataCenter: true, ContextPath: "/jira"}),
		GitHub:           NewGitHub(),
		GitHubEnterprise: NewGitHub(),
		Harness:          NewHarness(),
		HarnessOwn:       NewHarness(),
		GitLab:           NewGitLab(GitLabOptions{}),
		GitLabOwn:        NewGitLab(GitLabOptions{RelativeRoot: "/gitlab"}),
		GitLabOld:        NewGitLab(GitLabOptions{Old: true}),
		SonarQube:        NewSonarQube(SonarQubeOptions{Version: "2025.1.0.102418", ContextPath: "/sonar"}),
		SonarQubeOld:     NewSonarQube(SonarQubeOptions{Version: "9.9.4.87374"}),
		SonarQubeCloud:   NewSonarQube(SonarQubeOptions{Version: "8.0.0.63108", Cloud: true, Anonymous: true}),
	}
	w.Handle("acme.atlassian.net", w.Jira)
	w.Handle(gatewayHost, w.Jira)
	w.Handle("jira.example.com", w.JiraDataCenter)
	w.Handle("api.github.com", w.GitHub)
	w.Handle("api.acme.ghe.com", w.GitHub)
	w.Handle(gitHubEnterpriseHost, w.GitHubEnterprise)
	for _, host := range []string{"app.harness.io", "app3.harness.io", "accounts.eu.harness.io"} {
		w.Handle(host, w.Harness)
	}
	w.Handle("harness.example.com", w.HarnessOwn)
	w.Handle("gitlab.com", w.GitLab)
	w.Handle("gitlab.example.com", w.GitLabOwn)
	w.Handle("gitlab-old.example.com", w.GitLabOld)
	w.Handle("sonarqube.example.com", w.SonarQube)
	w.Handle("sonarqube-old.example.com", w.SonarQubeOld)
	w.Handle("sonarcloud.io", w.SonarQubeCloud)
	w.Handle("sonarqube.us", w.SonarQubeCloud)
	w.Handle("elsewhere.example.com", http.NotFoundHandler())
	return w
}

// ElsewhereURL leads to a host that no integration names. No check may call it.
const ElsewhereURL = "https://elsewhere.example.com"

// Fakes returns the fakes by the names that Control uses.
func (w *World) Fakes() map[string]Fake {
	return map[string]Fake{
		"jira": w.Jira, "jira_dc": w.JiraDataCenter,
		"github": w.GitHub, "github_enterprise": w.GitHubEnterprise,
		"harness": w.Harness, "harness_own": w.HarnessOwn,
		"gitlab": w.GitLab, "gitlab_own": w.GitLabOwn, "gitlab_old": w.GitLabOld,
		"sonarqube": w.SonarQube, "sonarqube_old": w.SonarQubeOld, "sonarqube_cloud": w.SonarQubeCloud,
	}
}

// jsonAdder is a fake whose tokens can be described in JSON.
type jsonAdder interface{ AddJSON(body []byte) error }

// Control returns a remote control for scripts, to be served on a port of its
// own. FAKE is a name of Fakes, such as jira, jira_dc, github, harness or gitlab_own:
//
//	GET    /ca                    the CA certificate, PEM
//	GET    /proxy                 the proxy's URL
//	POST   /FAKE/tokens           add a token: the JSON of JiraToken, GitHubToken, HarnessToken,
//	                              GitLabToken or SonarQubeToken
//	DELETE /FAKE/tokens           forget one: {"token": "…"}
//	POST   /FAKE/organizations    add one (GitHub): the JSON of GitHubOrganization
//	POST   /FAKE/anonymous        let anybody in (SonarQube): {"allow": true}
//	POST   /FAKE/captcha          demand a CAPTCHA (Jira): {"user": "…", "url": "…"}
//	POST   /FAKE/fault            misbehave: {"name": "…", "path": "…", "times": 0, "url": "…"}
//	                              with a name of FaultNames, or {"status": 418, "header": {}, "body": "", "wait_ms": 0, "drip_ms": 0}
//	DELETE /FAKE/fault            behave again
//	GET    /FAKE/requests         what came, JSON, without credentials
//	DELETE /FAKE/requests         forget it
//
// Changes are answered with 204, mistakes with 400 and a sentence.
func (w *World) Control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ca", func(rw http.ResponseWriter, _ *http.Request) {
		writeText(rw, http.StatusOK, "application/x-pem-file", w.CAPEM())
	})
	mux.HandleFunc("GET /proxy", func(rw http.ResponseWriter, _ *http.Request) {
		writeText(rw, http.StatusOK, "text/plain", w.ProxyURL()+"\n")
	})
	mux.HandleFunc("GET /{fake}/requests", func(rw http.ResponseWriter, r *http.Request) {
		if f, ok := w.Fakes()[r.PathValue("fake")]; ok {
			writeJSON(rw, http.StatusOK, f.Requests())
			return
		}
		http.NotFound(rw, r)
	})
	w.handle(mux, "DELETE /{fake}/requests", func(f Fake, _ []byte) error { f.Forget(); return nil })
	w.handle(mux, "POST /{fake}/tokens", addToken)
	w.handle(mux, "DELETE /{fake}/tokens", revokeToken)
	w.handle(mux, "POST /{fake}/organizations", addOrganization)
	w.handle(mux, "POST /{fake}/anonymous", allowAnonymous)
	w.handle(mux, "POST /{fake}/captcha", demandCaptcha)
	w.handle(mux, "POST /{fake}/fault", setFault)
	w.handle(mux, "DELETE /{fake}/fault", func(f Fake, _ []byte) error { f.Behave(Fault{}); return nil })
	return mux
}

func (w *World) handle(mux *http.ServeMux, pattern string, do func(f Fake, body []byte) error) {
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

func addToken(f Fake, body []byte) error {
	adder, ok := f.(jsonAdder)
	if !ok {
		return errors.New("this fake takes no tokens")
	}
	return adder.AddJSON(body)
}

func revokeToken(f Fake, body []byte) error {
	var in struct {
		Token string `json:"token"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return err
	}
	f.Revoke(in.Token)
	return nil
}

func addOrganization(f Fake, body []byte) error {
	g, ok := f.(*GitHub)
	if !ok {
		return errors.New("only GitHub has organizations")
	}
	var o GitHubOrganization
	if err := json.Unmarshal(body, &o); err != nil {
		return err
	}
	g.AddOrganization(o)
	return nil
}

func demandCaptcha(f Fake, body []byte) error {
	j, ok := f.(*Jira)
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

func allowAnonymous(f Fake, body []byte) error {
	s, ok := f.(*SonarQube)
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

func setFault(f Fake, body []byte) error {
	var in struct {
		Fault
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
		named, ok := NamedFault(in.Name, in.URL)
		if !ok {
			return fmt.Errorf("no fault %q; there are %s", in.Name, strings.Join(FaultNames(), ", "))
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
