package azuredevopstest

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"vault-plugin-secrets-sei/providers/providertest"
	"vault-plugin-secrets-sei/providers/providertest/authserver"
)

// AzureToken is a personal access token and its account. Of the zero values, ID
// and DisplayName are made up from Account.
type AzureToken struct {
	Token string `json:"token"`
	// Account is what the account signs in with: an e-mail address, or
	// DOMAIN\name on a server.
	Account     string `json:"account"`
	DisplayName string `json:"display_name,omitempty"`
	ID          string `json:"id,omitempty"`
	// Organization is the only one that the token works for; empty means all.
	Organization string `json:"organization,omitempty"`
	// Scopes of the token; nil means all.
	Scopes []string `json:"scopes,omitempty"`
	// Expired tokens are told as such.
	Expired bool `json:"expired,omitempty"`
	// Blocked tokens have used too much, Delayed ones nearly.
	Blocked bool `json:"blocked,omitempty"`
	Delayed bool `json:"delayed,omitempty"`
	// Stranger accounts are members of no organisation, Inactive ones no longer.
	Stranger bool `json:"stranger,omitempty"`
	Inactive bool `json:"inactive,omitempty"`
}

// AzureOrganization is an organisation, or on a server a collection.
type AzureOrganization struct {
	Name     string         `json:"name"`
	Projects []AzureProject `json:"projects,omitempty"`
	// Off organisations are switched off.
	Off bool `json:"off,omitempty"`
	// NoGlobalTokens forbids tokens for all organisations, Conditional all use by a policy
	// of Microsoft Entra.
	NoGlobalTokens bool `json:"no_global_tokens,omitempty"`
	Conditional    bool `json:"conditional,omitempty"`
}

// AzureProject is a project. Of the zero values, ID is made up from Name.
type AzureProject struct {
	Name string `json:"name"`
	ID   string `json:"id,omitempty"`
	// Public projects make the organisation answer anybody. Others are private, or of the
	// Visibility given, such as organization.
	Public     bool   `json:"public,omitempty"`
	Visibility string `json:"visibility,omitempty"`
	// Off lists the areas that are switched off: git, build.
	Off []string `json:"off,omitempty"`
}

// AzureOptions say which Azure DevOps a fake is.
type AzureOptions struct {
	// Server makes it an Azure DevOps Server, whose collections live below ContextPath.
	Server      bool
	ContextPath string
	// Newest is the newest version of the API that it knows; 7.1 where empty.
	Newest string
}

// AzureDevOps is a fake of Azure DevOps Services, at dev.azure.com and below
// visualstudio.com, or of Azure DevOps Server.
type AzureDevOps struct {
	providertest.Base
	options AzureOptions
	mux     *http.ServeMux
	tokens  map[string]AzureToken
	orgs    map[string]AzureOrganization // by lower-case name
	issuer  *Entra                       // of access tokens; nil if none is trusted
}

var _ providertest.Fake = (*AzureDevOps)(nil)

// NewAzureDevOps returns a fake without tokens and organisations.
func NewAzureDevOps(o AzureOptions) *AzureDevOps {
	a := &AzureDevOps{options: o, mux: http.NewServeMux(), tokens: map[string]AzureToken{}, orgs: map[string]AzureOrganization{}}
	a.mux.HandleFunc("GET /_apis/connectionData", a.connectionData)
	a.mux.HandleFunc("GET /_apis/projects", a.projects)
	a.mux.HandleFunc("GET /_apis/wit/workitemrelationtypes", a.relationTypes)
	a.mux.HandleFunc("GET /{project}/_apis/git/pullrequests", a.inProject("git", "vso.code"))
	a.mux.HandleFunc("GET /{project}/_apis/git/repositories", a.inProject("git", "vso.code"))
	a.mux.HandleFunc("GET /{project}/_apis/build/definitions", a.inProject("build", "vso.build"))
	return a
}

// Limit makes newest the newest version of the API that it knows, as an older server.
func (a *AzureDevOps) Limit(newest string) {
	a.Mu.Lock()
	defer a.Mu.Unlock()
	a.options.Newest = newest
}

// AddPAT adds a token for one organisation with scopes; without any it has all.
func (a *AzureDevOps) AddPAT(organization, account, token string, scopes ...string) {
	a.Add(AzureToken{Token: token, Account: account, Organization: organization, Scopes: scopes})
}

// Add adds a token.
func (a *AzureDevOps) Add(t AzureToken) {
	a.Note("token", t.Token)
	t = t.complete()
	a.Mu.Lock()
	defer a.Mu.Unlock()
	a.tokens[t.Token] = t
}

// complete makes up what is missing.
func (t AzureToken) complete() AzureToken {
	if t.ID == "" {
		t.ID = providertest.MadeUpGUID(fmt.Sprintf("%x", sha256.Sum256([]byte(t.Account))))
	}
	if t.DisplayName == "" {
		t.DisplayName = "User " + t.Account
	}
	return t
}

// trust makes the access tokens of an issuer good.
func (a *AzureDevOps) trust(issuer *Entra) {
	a.Mu.Lock()
	defer a.Mu.Unlock()
	a.issuer = issuer
}

// consented finds the account of an access token.
func (a *AzureDevOps) consented(r *http.Request) (AzureToken, authserver.Verdict) {
	a.Mu.Lock()
	issuer := a.issuer
	a.Mu.Unlock()
	if issuer == nil {
		return AzureToken{}, authserver.GrantUnknown
	}
	return issuer.consented(r)
}

// AddOrganization adds or replaces an organisation.
func (a *AzureDevOps) AddOrganization(o AzureOrganization) {
	for i, p := range o.Projects {
		if p.ID == "" {
			o.Projects[i].ID = providertest.MadeUpGUID(fmt.Sprintf("%x", sha256.Sum256([]byte(o.Name+"/"+p.Name))))
		}
	}
	a.Mu.Lock()
	defer a.Mu.Unlock()
	a.orgs[strings.ToLower(o.Name)] = o
}

// AddJSON adds the AzureToken that body describes.
func (a *AzureDevOps) AddJSON(body []byte) error {
	var t AzureToken
	if err := json.Unmarshal(body, &t); err != nil {
		return err
	}
	a.Add(t)
	return nil
}

// AddOrganizationJSON adds the AzureOrganization that body describes.
func (a *AzureDevOps) AddOrganizationJSON(body []byte) error {
	var o AzureOrganization
	if err := json.Unmarshal(body, &o); err != nil {
		return err
	}
	a.AddOrganization(o)
	return nil
}

// Revoke makes a token unknown.
func (a *AzureDevOps) Revoke(token string) {
	a.Mu.Lock()
	defer a.Mu.Unlock()
	delete(a.tokens, token)
}

// ServeHTTP answers as Azure DevOps does.
func (a *AzureDevOps) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t, _ := a.login(r)
	a.Serve(w, r, t.Account, http.HandlerFunc(a.route))
}

// route finds the organisation and what is asked of it.
func (a *AzureDevOps) route(w http.ResponseWriter, r *http.Request) {
	name, rest := a.split(providertest.Hostname(r.Host), r.URL.Path)
	// On all 545 recorded answers.
	w.Header().Set("X-TFS-ProcessId", "7684c2a2-7a9b-4fb0-a8b3-8eeada50c3cb")
	org, known := a.organization(name)
	if !known {
		providertest.WriteText(w, http.StatusNotFound, "text/html; charset=utf-8", "<html><head><title>The resource cannot be found.</title></head></html>")
		return
	}
	r = r.Clone(r.Context())
	r.SetPathValue("organization", name)
	r.URL.Path, r.URL.RawPath = rest, ""
	switch {
	case org.Off:
		azureSwitchedOff(w, org.Name)
	case !providertest.Knows(a.mux, r):
		azureRefuse(w, http.StatusNotFound, "The controller for path '/' was not found or does not implement IController.", "HttpException")
	case r.ContentLength > 0:
		azureRefuse(w, http.StatusBadRequest, "A GET has no body.", "VssRequestContentTypeNotSupportedException")
	default:
		a.mux.ServeHTTP(w, r)
	}
}

// split finds the organisation in the host or in the path.
func (a *AzureDevOps) split(host, path string) (organization, rest string) {
	if label, ok := strings.CutSuffix(host, ".visualstudio.com"); ok {
		return label, strings.TrimPrefix(path, "/DefaultCollection")
	}
	path, ok := strings.CutPrefix(path, a.options.ContextPath+"/")
	if !ok {
		return "", ""
	}
	organization, rest, _ = strings.Cut(path, "/")
	return organization, "/" + rest
}

func (a *AzureDevOps) organization(name string) (AzureOrganization, bool) {
	a.Mu.Lock()
	defer a.Mu.Unlock()
	o, ok := a.orgs[strings.ToLower(name)]
	return o, ok
}

func (o AzureOrganization) visible(everything bool) []AzureProject {
	return slices.DeleteFunc(slices.Clone(o.Projects), func(p AzureProject) bool { return !everything && !p.Public })
}

// login finds an access token of Entra, or a personal one, which stands in the place
// of the password; any user name will do, but the encoding must be exact
// (microsoft/azure-devops-mcp issue 1452).
func (a *AzureDevOps) login(r *http.Request) (AzureToken, bool) {
	if t, v := a.consented(r); v == authserver.GrantAccepted {
		return t, true
	}
	_, secret, ok := r.BasicAuth()
	a.Mu.Lock()
	defer a.Mu.Unlock()
	t, known := a.tokens[secret]
	if !ok || !known {
		return AzureToken{}, false
	}
	return t, true
}

// member reports whether the request's token works for the organisation.
func (a *AzureDevOps) member(r *http.Request) (AzureToken, bool) {
	t, ok := a.login(r)
	ok = ok && (t.Organization == "" || strings.EqualFold(t.Organization, r.PathValue("organization")))
	return t, ok
}

// connectionData: GitLab Congregate's mock and, for nobody, the answer of
// dev.azure.com/dnceng-public.
func (a *AzureDevOps) connectionData(w http.ResponseWriter, r *http.Request) {
	if !a.version(w, r, true) {
		return
	}
	org, _ := a.organization(r.PathValue("organization"))
	if _, known := a.member(r); !known && len(org.visible(false)) > 0 {
		nobody := providertest.Object{
			"id": "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa", "providerDisplayName": "Anonymous",
			"descriptor": "System:PublicAccess;aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa",
		}
		providertest.WriteJSON(w, http.StatusOK, providertest.Object{"authenticatedUser": nobody, "authorizedUser": nobody})
		return
	}
	t, ok := a.enter(w, r)
	if !ok {
		return
	}
	descriptor := `Microsoft.IdentityModel.Claims.ClaimsIdentity;00000000-0000-0000-0000-000000000002\` + t.Account
	if a.options.Server {
		descriptor = "System.Security.Principal.WindowsIdentity;S-1-5-21-1-2-3-1001"
	}
	user := providertest.Object{
		"id": t.ID, "descriptor": descriptor, "providerDisplayName": t.DisplayName, "isActive": !t.Inactive, "resourceVersion": 2, "metaTypeId": 0,
		"properties": providertest.Object{"Account": providertest.Object{"$type": "System.String", "$value": t.Account}},
	}
	providertest.WriteJSON(w, http.StatusOK, providertest.Object{
		"authenticatedUser": user, "authorizedUser": user, "instanceId": "00000000-0000-0000-0000-000000000003",
		"deploymentId": "00000000-0000-0000-0000-000000000004", "deploymentType": "hosted",
	})
}

// projects: MicrosoftDocs/vsts-rest-api-specs core/7.1, documented. Public ones
// are shown to anybody.
func (a *AzureDevOps) projects(w http.ResponseWriter, r *http.Request) {
	if !a.version(w, r, false) {
		return
	}
	org, _ := a.organization(r.PathValue("organization"))
	_, known := a.member(r)
	if known || len(org.visible(false)) == 0 {
		if _, ok := a.enter(w, r, "vso.project", "vso.profile"); !ok {
			return
		}
	}
	shown := org.visible(known)
	if top, err := strconv.Atoi(r.URL.Query().Get("$top")); err == nil {
		shown = shown[:min(top, len(shown))]
	}
	list := []any{}
	for _, p := range shown {
		visibility := cmp.Or(p.Visibility, "private")
		if p.Public {
			visibility = "public"
		}
		list = append(list, providertest.Object{"id": p.ID, "name": p.Name, "state": "wellFormed", "visibility": visibility, "url": "https://" + r.Host + "/" + org.Name + "/_apis/projects/" + p.ID})
	}
	azureList(w, list...)
}

func azureList(w http.ResponseWriter, items ...any) {
	providertest.WriteJSON(w, http.StatusOK, providertest.Object{"count": len(items), "value": append([]any{}, items...)})
}

// relationTypes: MicrosoftDocs/vsts-rest-api-specs wit/7.1, documented.
func (a *AzureDevOps) relationTypes(w http.ResponseWriter, r *http.Request) {
	if !a.version(w, r, false) {
		return
	}
	if _, ok := a.enter(w, r, "vso.work"); ok {
		azureList(w, providertest.Object{"referenceName": "System.LinkTypes.Hierarchy-Forward", "name": "Child"})
	}
}

// inProject answers a list of an area of a project: MicrosoftDocs/vsts-rest-api-specs
// git/7.1 and build/7.1, documented; 404 for an area that is off is a guess.
func (a *AzureDevOps) inProject(area, scope string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !a.version(w, r, false) {
			return
		}
		if _, ok := a.enter(w, r, scope); !ok {
			return
		}
		org, _ := a.organization(r.PathValue("organization"))
		i := slices.IndexFunc(org.Projects, func(p AzureProject) bool { return p.ID == r.PathValue("project") || p.Name == r.PathValue("project") })
		switch {
		case i < 0:
			azureRefuse(w, http.StatusNotFound, "TF200016: The following project does not exist.", "ProjectDoesNotExistWithNameException")
		case slices.Contains(org.Projects[i].Off, area):
			azureRefuse(w, http.StatusNotFound, "The feature is disabled.", "FeatureDisabledException")
		default:
			azureList(w)
		}
	}
}
