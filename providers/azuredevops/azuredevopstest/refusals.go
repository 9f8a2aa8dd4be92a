package azuredevopstest

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"vault-plugin-secrets-sei/providers/providertest"
)

// enter demands a token with one of scopes. It returns false if the request is answered.
func (a *AzureDevOps) enter(w http.ResponseWriter, r *http.Request, scopes ...string) (AzureToken, bool) {
	t, ok := a.member(r)
	_, v := a.consented(r)
	switch {
	case v.Dead():
		// wardyn adofake, measured in 2026: an access token of Entra that is refused.
		a.refuseBearer(w)
		return t, false
	case !ok:
		a.signIn(w, r)
		return t, false
	}
	if a.keptOut(w, r, t) || a.usedTooMuch(w, t) {
		return t, false
	}
	if len(scopes) > 0 && t.Scopes != nil && !slices.ContainsFunc(scopes, func(s string) bool { return slices.Contains(t.Scopes, s) }) {
		// pulumi/pulumi-azuredevops issue 68, recorded; without a word: wardyn adofake.
		a.challenge(w)
		return t, false
	}
	w.Header().Set("X-VSS-UserData", t.ID+":"+t.Account) // on all recorded answers to somebody
	return t, true
}

// keptOut refuses a token that is known and may not be used all the same.
func (a *AzureDevOps) keptOut(w http.ResponseWriter, r *http.Request, t AzureToken) bool {
	org, _ := a.organization(r.PathValue("organization"))
	switch {
	case t.Expired:
		// microsoft/azure-pipelines-agent issue 1559, recorded.
		azureTell(w, "Access Denied: The Personal Access Token used has expired.")
		a.challenge(w)
	case t.Stranger:
		// gitkraken/vscode-gitlens issue 5890, captured.
		w.Header()["Www-Authenticate"] = []string{"TFS-Federated", "Bearer"}
		azureRefuse(w, http.StatusUnauthorized, "TF400813: The user '"+t.ID+"' is not authorized to access this resource.", "UnauthorizedRequestException")
	case org.NoGlobalTokens && t.Organization == "":
		// The same, where only the header tells the reason.
		azureTell(w, "The organization's security policy prohibits access by global Personal Access Token (PAT) unless you are on an allowlist. Contact your organization administrator to be included on the allowlist.")
		w.Header()["Www-Authenticate"] = []string{`Basic realm="https://tfsprodwus21.app.visualstudio.com/"`}
		providertest.WriteText(w, http.StatusUnauthorized, "text/html", "<!DOCTYPE html ><html><head><title>The organization&#39;s security policy prohibits access</title></head></html>")
	case org.Conditional:
		// A page: tests of a public client (AdoErrorBodySummaryTests); JSON is reported, too.
		providertest.WriteText(w, http.StatusForbidden, "text/html; charset=utf-8", "<!DOCTYPE html>\n<html><head><title>VS403463: The conditional access policy defined by your Microsoft Entra administrator has failed.</title></head>"+
			"<body><div class=\"title\">403 - Uh-oh, you do not have access.</div></body></html>")
	default:
		return false
	}
	return true
}

// usedTooMuch delays or refuses a token that is used too much: microsoft/vscode issue
// 155632, recorded; 429 and the headers: MicrosoftDocs/azure-devops-docs.
func (a *AzureDevOps) usedTooMuch(w http.ResponseWriter, t AzureToken) bool {
	switch {
	case t.Blocked:
		w.Header().Set("Retry-After", "30")
		w.Header().Set("X-RateLimit-Remaining", "0")
		azureRefuse(w, http.StatusTooManyRequests, "Request was blocked due to exceeding usage of resource 'Count' in namespace 'AnonymousId'.", "RequestBlockedException")
		return true
	case t.Delayed:
		w.Header().Set("Retry-After", "5")
		w.Header().Set("X-RateLimit-Delay", "5.2")
	}
	return false
}

// signIn answers a request without a good token. Clients that do not ask to be
// spared the sign-in get its page: AZDOPS, recorded; 203 in MicrosoftDocs/vsts-rest-api-specs
// issues 97 and 574.
func (a *AzureDevOps) signIn(w http.ResponseWriter, r *http.Request) {
	if a.options.Server || strings.EqualFold(r.Header.Get("X-TFS-FedAuthRedirect"), "Suppress") {
		a.challenge(w)
		return
	}
	page := AzureAnswers()["signin_page_203_blanks"]
	providertest.WriteText(w, page.Status, page.Header["Content-Type"], page.Body)
}

// challenge: microsoft/azure-pipelines-agent issues 996 (server) and 4826, recorded.
func (a *AzureDevOps) challenge(w http.ResponseWriter) {
	if a.options.Server {
		w.Header()["Www-Authenticate"] = []string{`Basic realm="https://devops.example.com/tfs"`, "NTLM"}
		w.Header().Set("Lfs-Authenticate", "NTLM")
	} else {
		w.Header()["Www-Authenticate"] = []string{
			"Bearer authorization_uri=https://login.microsoftonline.com/00000000-0000-0000-0000-000000000000",
			`Basic realm="https://tfsprodweusu4.app.visualstudio.com/"`, "TFS-Federated",
		}
	}
	w.WriteHeader(http.StatusUnauthorized)
}

// refuseBearer: wardyn adofake, measured in 2026.
func (a *AzureDevOps) refuseBearer(w http.ResponseWriter) {
	answer := AzureAnswers()["bearer_refused_401"]
	for name, value := range answer.Header {
		w.Header().Set(name, value)
	}
	providertest.WriteText(w, answer.Status, answer.Header["Content-Type"], answer.Body)
}

// azureTell says more of a refusal in a header, percent-encoded.
func azureTell(w http.ResponseWriter, text string) {
	w.Header().Set("X-TFS-ServiceError", url.PathEscape(text))
}

// azureSwitchedOff: azure-devops-cli-extension
// test_devops_team_createUpdateShowListDeleteListMember.yaml, recorded.
func azureSwitchedOff(w http.ResponseWriter, name string) {
	answer := AzureAnswers()["organization_deactivated_503"]
	azureTell(w, strings.ReplaceAll("TF24668: The following team project collection is stopped: ORG.", "ORG", name))
	providertest.WriteText(w, answer.Status, answer.Header["Content-Type"], strings.ReplaceAll(answer.Body, "ORG", name))
}

// azureRefuse answers with Azure DevOps' form of a refusal:
// microsoft/azure-devops-auth-samples issue 52, recorded.
func azureRefuse(w http.ResponseWriter, status int, message, key string) {
	providertest.WriteJSON(w, status, providertest.Object{
		"$id": "1", "innerException": nil, "message": message, "typeKey": key, "errorCode": 0, "eventId": 3000,
		"typeName": "Microsoft.TeamFoundation.Framework.Server." + key + ", Microsoft.TeamFoundation.Framework.Server",
	})
}

// version demands an api-version up to the newest that is known; preview ones where the
// resource is one. dotnet/arcade-services pull 1141, recorded.
func (a *AzureDevOps) version(w http.ResponseWriter, r *http.Request, preview bool) bool {
	a.Mu.Lock()
	newest := cmp.Or(a.options.Newest, "7.1")
	a.Mu.Unlock()
	version, flag, flagged := strings.Cut(r.URL.Query().Get("api-version"), "-")
	asked, err := strconv.ParseFloat(version, 64)
	known, _ := strconv.ParseFloat(newest, 64)
	switch {
	case err != nil || asked > known || flagged && !strings.HasPrefix(flag, "preview"):
		azureRefuse(w, http.StatusBadRequest, "The requested REST API version of "+version+" is out of range for this server. The latest REST API version this server supports is "+newest+".", "VssVersionOutOfRangeException")
	case preview && !flagged:
		azureRefuse(w, http.StatusBadRequest, "The requested version \""+version+"\" of the resource is under preview. The -preview flag must be supplied in the api-version for such requests. For example: \""+version+"-preview\"", "VssInvalidPreviewVersionException")
	default:
		return true
	}
	return false
}
