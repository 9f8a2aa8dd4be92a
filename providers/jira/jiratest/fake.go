package jiratest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"

	"vault-plugin-secrets-sei/providers/providertest"
)

// GatewayHost is where tokens with scopes work.
const GatewayHost = "api.atlassian.com"

// JiraOptions say which Jira a fake is.
type JiraOptions struct {
	// CloudID is the site's id; a default is used where empty.
	CloudID string
	// DataCenter makes it a Jira Data Center.
	DataCenter bool
	// ContextPath is where a Data Center lives, such as /jira.
	ContextPath string
}

// DefaultCloudID is the cloud id of a fake that is given none.
const DefaultCloudID = "11111111-2222-3333-4444-555555555555"

// JiraToken is a token and the account it belongs to. Of the zero values,
// AccountID, Name and DisplayName are made up from Email or Name.
type JiraToken struct {
	Token string `json:"token"`
	// PAT is set for personal access tokens of Data Center.
	PAT         bool   `json:"pat,omitempty"`
	Email       string `json:"email,omitempty"`
	Name        string `json:"name,omitempty"`
	DisplayName string `json:"display_name,omitempty"`
	AccountID   string `json:"account_id,omitempty"`
	// HideEmail leaves the address out of answers, as a profile setting does.
	HideEmail bool `json:"hide_email,omitempty"`
	// Inactive accounts are told as such.
	Inactive bool `json:"inactive,omitempty"`
	// Deleted accounts are told as such by Data Center, where they may still be active.
	Deleted bool `json:"deleted,omitempty"`
	// AccountType is "atlassian" where empty; AppType is that of an app. Cloud only.
	AccountType string `json:"account_type,omitempty"`
	AppType     string `json:"app_type,omitempty"`
	// Scopes of a scoped token, which works through the gateway only; nil for
	// tokens without scopes.
	Scopes []string `json:"scopes,omitempty"`
	// NoProjects is set where the account sees none.
	NoProjects bool `json:"no_projects,omitempty"`
}

// Jira is a fake of Jira Cloud, site and gateway, or of Jira Data Center.
type Jira struct {
	providertest.Base
	options JiraOptions
	mux     *http.ServeMux
	tokens  map[string]JiraToken
	captcha map[string]string // e-mail or user name → login URL
}

var _ providertest.Fake = (*Jira)(nil)

// NewJira returns a fake without tokens.
func NewJira(o JiraOptions) *Jira {
	if o.CloudID == "" {
		o.CloudID = DefaultCloudID
	}
	j := &Jira{options: o, mux: http.NewServeMux(), tokens: map[string]JiraToken{}, captcha: map[string]string{}}
	if o.DataCenter {
		j.routesDataCenter()
	} else {
		j.routesCloud()
	}
	return j
}

// CloudID is the site's id.
func (j *Jira) CloudID() string { return j.options.CloudID }

// AddAPIToken adds an API token without scopes.
func (j *Jira) AddAPIToken(email, token string) { j.Add(JiraToken{Token: token, Email: email}) }

// AddScopedToken adds an API token with scopes, which the site refuses and the
// gateway accepts.
func (j *Jira) AddScopedToken(email, token string, scopes ...string) {
	j.Add(JiraToken{Token: token, Email: email, Scopes: append([]string{}, scopes...)})
}

// AddPAT adds a personal access token of a user, for Data Center.
func (j *Jira) AddPAT(name, token string) {
	j.Add(JiraToken{Token: token, PAT: true, Name: name, Email: name + "@example.com"})
}

// Add adds a token.
func (j *Jira) Add(t JiraToken) {
	j.Note("token", t.Token)
	sum := sha256.Sum256([]byte(t.Email + "\x00" + t.Name))
	if t.AccountID == "" {
		t.AccountID = "5b10" + hex.EncodeToString(sum[:10])
	}
	if t.Name == "" {
		t.Name, _, _ = strings.Cut(t.Email, "@")
	}
	if t.DisplayName == "" {
		t.DisplayName = "User " + t.Name
	}
	j.Mu.Lock()
	defer j.Mu.Unlock()
	j.tokens[t.Token] = t
}

// Revoke makes a token unknown.
func (j *Jira) Revoke(token string) {
	j.Mu.Lock()
	defer j.Mu.Unlock()
	delete(j.tokens, token)
}

// DemandCaptcha makes logins of an e-mail address or user name fail with a CAPTCHA
// whose page is at loginURL, right password or not.
func (j *Jira) DemandCaptcha(user, loginURL string) {
	j.Mu.Lock()
	defer j.Mu.Unlock()
	j.captcha[strings.ToLower(user)] = loginURL
}

// ServeHTTP answers as Jira does.
func (j *Jira) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t, _ := j.login(r)
	j.Serve(w, r, t.Email, http.HandlerFunc(j.route))
}

// route serves the gateway's paths on the gateway's host only, and the site's on
// all others; on a bare address, both.
func (j *Jira) route(w http.ResponseWriter, r *http.Request) {
	gateway := strings.HasPrefix(r.URL.Path, "/ex/jira/")
	host := providertest.Hostname(r.Host)
	if gateway != (host == GatewayHost) && (host == GatewayHost || strings.HasSuffix(host, ".atlassian.net")) {
		http.NotFound(w, r)
		return
	}
	j.mux.ServeHTTP(w, r)
}

func (j *Jira) routesCloud() {
	for _, prefix := range []string{"", "/ex/jira/" + j.options.CloudID} {
		j.mux.HandleFunc("GET "+prefix+"/rest/api/3/myself", j.myself)
		j.mux.HandleFunc("GET "+prefix+"/rest/api/2/myself", j.myself)
		j.mux.HandleFunc("GET "+prefix+"/rest/api/3/project/search", j.projectSearch)
		j.mux.HandleFunc("GET "+prefix+"/rest/api/3/serverInfo", j.serverInfo)
	}
	j.mux.HandleFunc("GET /_edge/tenant_info", j.tenantInfo)
}

func (j *Jira) routesDataCenter() {
	p := strings.TrimRight(j.options.ContextPath, "/")
	j.mux.HandleFunc("GET "+p+"/rest/api/2/myself", j.myself)
	j.mux.HandleFunc("GET "+p+"/rest/api/2/project", j.project)
	j.mux.HandleFunc("GET "+p+"/rest/api/2/mypermissions", j.myPermissions)
	j.mux.HandleFunc("GET "+p+"/rest/api/2/serverInfo", j.serverInfo)
}

// login finds the token of a request; user is who tried, where that can be told.
func (j *Jira) login(r *http.Request) (t JiraToken, user string) {
	j.Mu.Lock()
	defer j.Mu.Unlock()
	if user, secret, ok := r.BasicAuth(); ok {
		t, known := j.tokens[secret]
		if !known || t.PAT || !strings.EqualFold(t.Email, user) {
			t = JiraToken{}
		}
		return t, user
	}
	secret, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	t = j.tokens[secret]
	if secret == "" || !t.PAT || !j.options.DataCenter {
		return JiraToken{}, ""
	}
	// No user: personal access tokens are said to escape the CAPTCHA.
	return t, ""
}

// enter demands a login as Jira does and answers where there is none. It returns
// false if the request is answered.
func (j *Jira) enter(w http.ResponseWriter, r *http.Request) (JiraToken, bool) {
	t, user := j.login(r)
	gateway := strings.HasPrefix(r.URL.Path, "/ex/jira/")
	switch {
	case j.captchaFor(user) != "":
		answerCaptcha(w, j.captchaFor(user))
	case r.ContentLength > 0:
		// A GET with a body was judged a failed login: jira-agile-metrics issue 61.
		answerUnauthorized(w, r)
	case !j.options.DataCenter && !gateway && strings.HasPrefix(r.Header.Get("Authorization"), "Bearer "):
		// brekkylab/backlot backlot/errors/atlassian.py, recorded.
		providertest.WriteJSON(w, http.StatusForbidden, providertest.Object{"error": "Failed to parse Connect Session Auth Token"})
	case t.Token == "", t.Scopes != nil && !gateway:
		// The second: sooperset/mcp-atlassian issue 968, reported.
		answerUnauthorized(w, r)
	default:
		return t, true
	}
	return JiraToken{}, false
}

func (j *Jira) captchaFor(user string) string {
	j.Mu.Lock()
	defer j.Mu.Unlock()
	return j.captcha[strings.ToLower(user)]
}

// AddJSON adds the JiraToken that body describes.
func (j *Jira) AddJSON(body []byte) error {
	var t JiraToken
	if err := json.Unmarshal(body, &t); err != nil {
		return err
	}
	j.Add(t)
	return nil
}
