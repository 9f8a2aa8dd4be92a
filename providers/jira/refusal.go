package jira

import (
	"bytes"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"vault-plugin-secrets-sei/providers/internal/probe"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// jiraRejects reports whether a 401 is Jira's word that the credential is no good. Jira
// says it in many forms; what stands in between has none of them.
//
// Cloud: brekkylab/backlot backlot/errors/atlassian.py and jira-node/node-jira-client
// issue 255. Before, and Data Center: GothenburgBitFactory/bugwarrior issue 689,
// pycontribs/jira issue 1627, stablyai/orca issue 8538. The login filter's word on it is
// judged before.
func jiraRejects(res *upstream.Response) bool {
	return jiraAnswered(res) || jiraSaysUnauthenticated(res) || jiraGatewayRejects(res)
}

// jiraRefusesAddress reports whether the allowlist of the site's organisation kept a
// request out. The status is not documented.
// https://support.atlassian.com/security-and-access-policies/docs/specify-ip-addresses-for-product-access/
func jiraRefusesAddress(res *upstream.Response) bool {
	return slices.Contains([]int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden}, res.Status) && saysRefusedAddress(res)
}

// saysRefusedAddress looks for it in every text of an answer in JSON, whose form is not
// documented, and in a page.
func saysRefusedAddress(res *upstream.Response) bool {
	var said any
	if res.Peek(&said) {
		return slices.ContainsFunc(probe.Texts(said), probe.RefusesAddress)
	}
	return bytes.Contains(bytes.ToLower(res.Body), []byte("ip address has been rejected"))
}

// jiraAnswered reports whether an answer has a header that only Jira itself sets: the
// number and the user of a request, the node, or the challenge of its OAuth.
func jiraAnswered(res *upstream.Response) bool {
	names := []string{"X-Arequestid", "X-Ausername", "X-Anodeid"}
	return slices.ContainsFunc(names, func(name string) bool { return res.Header.Get(name) != "" }) ||
		slices.ContainsFunc(res.Header.Values("Www-Authenticate"), func(challenge string) bool {
			return strings.HasPrefix(strings.ToLower(strings.TrimSpace(challenge)), "oauth ")
		})
}

// jiraSaysUnauthenticated knows the bodies: a sentence, as text or in JSON, Jira's list
// of messages, and its page.
func jiraSaysUnauthenticated(res *upstream.Response) bool {
	const sentence = "client must be authenticated to access this resource"
	body := bytes.ToLower(bytes.TrimSpace(res.Body))
	var said struct {
		Message       string    `json:"message"`
		ErrorMessages *[]string `json:"errorMessages"`
	}
	switch {
	case res.Peek(&said):
		return said.ErrorMessages != nil || strings.HasPrefix(strings.ToLower(said.Message), sentence)
	case bytes.HasPrefix(body, []byte("<")):
		return bytes.Contains(body, []byte("unauthorized (401)")) &&
			(jiraPageForm.Match(body) || bytes.Contains(body, []byte("/secure/myjirahome.jspa")))
	}
	return bytes.HasPrefix(body, []byte(sentence))
}

// jiraPageForm is the sentence of Jira's page, in lower case. The name of Jira is no sign
// of it: a page of somebody in between may tell the address that was asked.
var jiraPageForm = regexp.MustCompile(`encountered an? (?:<code>)?(?:&quot;|")401 - unauthorized(?:&quot;|")(?:</code>)? error`)

// jiraGatewayRejects knows the form of api.atlassian.com, which is that of its answer
// to a missing scope. Its words for a bad token are not documented.
func jiraGatewayRejects(res *upstream.Response) bool {
	var said struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}
	return res.Host == jiraGatewayHost && res.Peek(&said) && said.Code == res.Status && said.Message != ""
}
