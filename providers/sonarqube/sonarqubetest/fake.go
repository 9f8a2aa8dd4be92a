package sonarqubetest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"vault-plugin-secrets-sei/providers/providertest"
)

// SonarQubeToken is a token and its user.
type SonarQubeToken struct {
	Token string `json:"token"`
	Login string `json:"login"`
	// ID is told by newer servers.
	ID string `json:"id,omitempty"`
	// Expires is the header SonarQube-Authentication-Token-Expiration as it is sent.
	Expires string `json:"expires,omitempty"`
	// Organizations are those of SonarQube Cloud that the user is a member of.
	Organizations []string `json:"organizations,omitempty"`
	// Forbidden users have too few rights for any question.
	Forbidden bool `json:"forbidden,omitempty"`
	// Name is unique among the user's; integration where empty, with a number where
	// that is taken.
	Name string `json:"name,omitempty"`
	// Created is in the form of Expires; some day in 2015 where empty.
	Created string `json:"created,omitempty"`

	made bool
}

// SonarQubeOptions say which SonarQube a fake is.
type SonarQubeOptions struct {
	// Version is what /api/server/version tells. Servers before 10 ignore Bearer.
	Version string
	// ContextPath is where a server lives, such as /sonar.
	ContextPath string
	// Anonymous lets anybody in, with the rights of everybody.
	Anonymous bool
	// Cloud has organizations and takes Bearer.
	Cloud bool
}

// SonarQube is a fake of SonarQube Server or Cloud.
type SonarQube struct {
	providertest.Base
	providertest.Renewer
	options SonarQubeOptions
	mux     *http.ServeMux
	tokens  map[string]SonarQubeToken
}

var _ providertest.Fake = (*SonarQube)(nil)

// NewSonarQube returns a fake without tokens.
func NewSonarQube(o SonarQubeOptions) *SonarQube {
	s := &SonarQube{options: o, mux: http.NewServeMux(), tokens: map[string]SonarQubeToken{}}
	p := strings.TrimRight(o.ContextPath, "/")
	s.mux.HandleFunc("GET "+p+"/api/users/current", s.current)
	s.mux.HandleFunc("GET "+p+"/api/authentication/validate", s.validate)
	s.mux.HandleFunc("GET "+p+"/api/server/version", s.version)
	s.mux.HandleFunc("GET "+p+"/api/user_tokens/search", s.userTokens)
	s.mux.HandleFunc("POST "+p+"/api/user_tokens/generate", s.generate)
	s.mux.HandleFunc("POST "+p+"/api/user_tokens/revoke", s.revoke)
	if o.Cloud {
		s.mux.HandleFunc("GET "+p+"/api/organizations/search", s.organizations)
	}
	return s
}

// AddToken adds a user token.
func (s *SonarQube) AddToken(login, token string) { s.Add(SonarQubeToken{Token: token, Login: login}) }

// Add adds a token.
func (s *SonarQube) Add(t SonarQubeToken) {
	s.Note("token", t.Token)
	if t.Created == "" {
		t.Created = "2015-08-02T15:44:27+0200"
	}
	s.Mu.Lock()
	defer s.Mu.Unlock()
	delete(s.tokens, t.Token)
	for n := 1; t.Name == ""; n++ {
		name := "integration"
		if n > 1 {
			name += strconv.Itoa(n)
		}
		if _, taken := s.named(t.Login, name); !taken {
			t.Name = name
		}
	}
	s.tokens[t.Token] = t
}

// AddJSON adds the SonarQubeToken that body describes.
func (s *SonarQube) AddJSON(body []byte) error {
	var t SonarQubeToken
	if err := json.Unmarshal(body, &t); err != nil {
		return err
	}
	s.Add(t)
	return nil
}

// Revoke makes a token unknown.
func (s *SonarQube) Revoke(token string) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	delete(s.tokens, token)
}

// AllowAnonymous lets anybody in, or nobody without a token.
func (s *SonarQube) AllowAnonymous(allow bool) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.options.Anonymous = allow
}

// ServeHTTP answers as SonarQube does.
func (s *SonarQube) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t, _ := s.login(r)
	s.Serve(w, r, t.Login, http.HandlerFunc(s.route))
}

// route answers unknown paths of the API in JSON and all others with the page of the
// web application, with 200.
func (s *SonarQube) route(w http.ResponseWriter, r *http.Request) {
	_, pattern := s.mux.Handler(r)
	p := strings.TrimRight(s.options.ContextPath, "/")
	switch {
	case pattern != "":
		s.mux.ServeHTTP(w, r)
	case !strings.HasPrefix(r.URL.Path, p+"/"):
		providertest.WriteText(w, http.StatusNotFound, "text/html;charset=utf-8", "<!doctype html><html><body>HTTP Status 404</body></html>")
	case strings.HasPrefix(r.URL.Path, p+"/api/"):
		providertest.WriteJSON(w, http.StatusNotFound, providertest.Object{"errors": []any{providertest.Object{"msg": "Unknown url : " + r.URL.Path}}})
	default:
		providertest.WriteText(w, http.StatusOK, "text/html;charset=utf-8", "<!DOCTYPE html><html><head><title>SonarQube</title></head></html>")
	}
}

// Who a request comes from.
type sonarqubeCaller uint8

const (
	nobody   sonarqubeCaller = iota // no credential that this version reads
	stranger                        // a credential that it reads and does not know
	member
)

// login reads Basic with the token as name and no password, and Bearer from version
// 10 on: BasicAuthentication of SonarSource/sonarqube; documentation of 9.9 and 10.0.
func (s *SonarQube) login(r *http.Request) (SonarQubeToken, sonarqubeCaller) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	secret, password, basic := r.BasicAuth()
	if !basic {
		token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !bearer || !s.readsBearer() {
			return SonarQubeToken{}, nobody
		}
		secret = token
	}
	t, known := s.tokens[secret]
	if !known || password != "" || s.over(t) {
		return SonarQubeToken{}, stranger
	}
	return t, member
}

func (s *SonarQube) readsBearer() bool {
	first, _, _ := strings.Cut(s.options.Version, ".")
	major, _ := strconv.Atoi(first)
	return s.options.Cloud || major >= 10
}

// enter lets in who has a token and, where that is allowed, who shows none; a bad
// token is 401 without a body: UserSessionInitializer of SonarSource/sonarqube. It
// returns false if the request is answered.
func (s *SonarQube) enter(w http.ResponseWriter, r *http.Request) (SonarQubeToken, sonarqubeCaller, bool) {
	t, caller := s.login(r)
	s.Mu.Lock()
	anonymous := s.options.Anonymous
	s.Mu.Unlock()
	switch {
	case caller == stranger, caller == nobody && !anonymous:
		w.WriteHeader(http.StatusUnauthorized)
		return t, caller, false
	case t.Forbidden:
		answerInsufficient(w)
		return t, caller, false
	case t.Expires != "":
		w.Header().Set("SonarQube-Authentication-Token-Expiration", t.Expires)
	}
	return t, caller, true
}

// answerInsufficient: shijl0925/python-sonarqube-api issue 35, recorded.
func answerInsufficient(w http.ResponseWriter) {
	providertest.WriteJSON(w, http.StatusForbidden, providertest.Object{"errors": []any{providertest.Object{"msg": "Insufficient privileges"}}})
}

// current: current-example.json and CurrentActionTest of SonarSource/sonarqube.
func (s *SonarQube) current(w http.ResponseWriter, r *http.Request) {
	t, caller, ok := s.enter(w, r)
	if !ok {
		return
	}
	everybody := providertest.Object{"global": []string{"scan", "provisioning"}}
	if caller == nobody {
		providertest.WriteJSON(w, http.StatusOK, providertest.Object{"isLoggedIn": false, "permissions": everybody, "scmAccounts": []any{}, "groups": []any{}})
		return
	}
	body := providertest.Object{
		"isLoggedIn": true, "login": t.Login, "name": "Example User", "email": t.Login + "@example.com", "local": true,
		"externalIdentity": t.Login, "externalProvider": "sonarqube", "scmAccounts": []any{}, "groups": []any{"sonar-users"}, "permissions": everybody,
	}
	if t.ID != "" {
		body["id"] = t.ID
	}
	providertest.WriteJSON(w, http.StatusOK, body)
}

// validate is the endpoint to beware of: ValidateAction of SonarSource/sonarqube
// says valid to nobody where anonymous access is on, and it never answers 401.
func (s *SonarQube) validate(w http.ResponseWriter, r *http.Request) {
	_, caller := s.login(r)
	s.Mu.Lock()
	defer s.Mu.Unlock()
	providertest.WriteJSON(w, http.StatusOK, providertest.Object{"valid": caller == member || caller == nobody && s.options.Anonymous})
}

// version is told to anybody, as text.
func (s *SonarQube) version(w http.ResponseWriter, _ *http.Request) {
	providertest.WriteText(w, http.StatusOK, "text/plain;charset=utf-8", s.options.Version)
}

// organizations tells public ones to anybody, and with member=true only those of the
// caller: the fake server of SonarSource/sonarqube-cli.
func (s *SonarQube) organizations(w http.ResponseWriter, r *http.Request) {
	t, _, ok := s.enter(w, r)
	if !ok {
		return
	}
	found := []any{}
	for _, key := range strings.Split(r.URL.Query().Get("organizations"), ",") {
		if r.URL.Query().Get("member") != "true" || slices.Contains(t.Organizations, key) {
			found = append(found, providertest.Object{"key": key, "name": key})
		}
	}
	providertest.WriteJSON(w, http.StatusOK, providertest.Object{"organizations": found, "paging": providertest.Object{"pageIndex": 1, "pageSize": 100, "total": len(found)}})
}
