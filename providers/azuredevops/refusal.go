package azuredevops

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"vault-plugin-secrets-sei/providers/internal/probe"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// azureVendor is whose answers are believed.
const azureVendor = "Azure DevOps"

// azureRefusal is what Azure DevOps says with any status but a good one. It is only
// matched, never quoted.
type azureRefusal struct {
	// own is set where Azure DevOps itself answered, and not something in between.
	own bool
	// key is the type of the error, text all that is said, in lower case.
	key, text string
}

// refusalOf reads a refusal in each of the forms that Azure DevOps' own have: JSON with
// the key of its type or a message with its number, a page whose title has such a
// number, and anything with a header of Azure DevOps.
func refusalOf(res *upstream.Response) azureRefusal {
	if res.Status == http.StatusOK {
		return azureRefusal{}
	}
	r := saidInJSON(res)
	if title := azureTitle(res); azureNumberForm.MatchString(title) {
		r.own, r.text = true, title
	}
	r.own = r.own || hasAzureHeader(res.Header)
	if !r.own {
		return azureRefusal{}
	}
	r.text = strings.ToLower(r.text + "\n" + decodeReason(res.Header.Get("X-Tfs-Serviceerror")))
	return r
}

var azureEscapesForm = regexp.MustCompile(`(?:%[0-9A-Fa-f]{2})+`)

// decodeReason undoes the percent-encoding of a header. A percent sign that encodes
// nothing is left as it is: the reason decides whether a token is dead.
func decodeReason(told string) string {
	return azureEscapesForm.ReplaceAllStringFunc(told, func(escapes string) string {
		text, _ := url.PathUnescape(escapes) // the form lets no mistake in
		return text
	})
}

// says reports whether a part, in lower case, is said in a refusal of Azure DevOps' own.
func (r azureRefusal) says(part string) bool { return strings.Contains(r.text, part) }

// azureNumberForm is the number that begins the messages of Azure DevOps.
var azureNumberForm = regexp.MustCompile(`^(?:TF|VS)\d`)

// saidInJSON reads the two forms of errors that Microsoft's client knows:
// https://github.com/microsoft/azure-devops-go-api/blob/dev/azuredevops/v7/client.go (UnwrapError)
func saidInJSON(res *upstream.Response) azureRefusal {
	var said struct {
		Message string          `json:"message"`
		TypeKey string          `json:"typeKey"`
		Count   *int            `json:"count"`
		Value   json.RawMessage `json:"value"`
	}
	if !res.Peek(&said) {
		return azureRefusal{}
	}
	var improper struct {
		Message string `json:"Message"`
	}
	if said.Message == "" && said.Count != nil && json.Unmarshal(said.Value, &improper) == nil && improper.Message != "" {
		return azureRefusal{own: true, text: improper.Message}
	}
	return azureRefusal{own: said.TypeKey != "" || azureNumberForm.MatchString(said.Message), key: said.TypeKey, text: said.Message}
}

// hasAzureHeader reports whether an answer has a header that only Azure DevOps sends:
// X-TFS-ProcessId stands on every recorded one, and a 401 names a host of its own, or
// its own scheme, where it asks for a credential.
func hasAzureHeader(header http.Header) bool {
	for name := range header {
		if name = strings.ToLower(name); strings.HasPrefix(name, "x-tfs-") || strings.HasPrefix(name, "x-vss-") {
			return true
		}
	}
	for _, challenge := range header.Values("WWW-Authenticate") {
		if strings.Contains(strings.ToLower(challenge), "tfs-federated") || azureRealmForm.MatchString(challenge) {
			return true
		}
	}
	return false
}

// azureRealmForm has no path: a mesh puts the address that was asked into the realm, and
// that may be one of visualstudio.com.
var azureRealmForm = regexp.MustCompile(`(?i)\bBasic realm="https://[a-z0-9.-]+\.visualstudio\.com/?"`)

var azureTitleForm = regexp.MustCompile(`(?is)<title\b[^>]*>([^<]*)`)

// azureTitle is the title of a page on one line, as a browser shows it. Azure DevOps
// writes it with line breaks and blanks around it.
func azureTitle(res *upstream.Response) string {
	if !probe.NotAnAPI(res) {
		return ""
	}
	found := azureTitleForm.FindSubmatch(res.Body)
	if found == nil {
		return ""
	}
	return strings.Join(strings.Fields(html.UnescapeString(string(found[1]))), " ")
}

// azureSignInTitle begins the title of the sign-in page.
const azureSignInTitle = "azure devops services | sign in"

// signsIn reports whether an answer is Microsoft's sign-in page, or the way to it.
func (c azureCheck) signsIn(res *upstream.Response) bool {
	switch {
	case !c.root.hosted || res.Status >= http.StatusInternalServerError:
		return false
	case strings.HasPrefix(strings.ToLower(azureTitle(res)), azureSignInTitle):
		return true
	case res.Status == http.StatusOK, res.Status == http.StatusForbidden:
		return false
	}
	return isAzureSignIn(res.Header.Get("Location"))
}

// isAzureSignIn reports whether a redirect leads to the sign-in of Azure DevOps.
func isAzureSignIn(location string) bool {
	u, err := url.Parse(location)
	return err == nil && u.Scheme == "https" && strings.HasSuffix(strings.ToLower(u.Hostname()), azureLegacySuffix) &&
		strings.EqualFold(strings.TrimRight(u.Path, "/"), "/_signin")
}

var azureUserForm = regexp.MustCompile(`tf400813[^']*'([^']*)'`)

// namesAccount reports whether a refusal for want of access names the account that was let in:
// the credential is known, then, and its account has no access. A credential that is not
// known is called by no name, or by the id of the anonymous account.
func (r azureRefusal) namesAccount() bool {
	found := azureUserForm.FindStringSubmatch(r.text)
	if found == nil {
		return false
	}
	name := strings.TrimSpace(found[1])
	nobody := name == "" || strings.Trim(name, "0-") == "" || strings.Contains(name, azureNobody) || strings.Contains(name, "anonymous")
	return !nobody
}
