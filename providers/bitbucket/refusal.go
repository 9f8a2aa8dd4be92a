package bitbucket

import (
	"encoding/json"
	"strings"

	"vault-plugin-secrets-sei/providers/internal/probe"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// bitbucketVendor is whose answers are believed.
const bitbucketVendor = "Bitbucket"

// bitbucketRefusal is what Bitbucket says with any status but a good one. It is only
// matched, never quoted.
type bitbucketRefusal struct {
	// own is set where Bitbucket Cloud itself answered, and not something in between.
	own bool
	// dataCenter is set for an answer of Bitbucket Data Center.
	dataCenter bool
	// text is all that is said, in lower case.
	text   string
	detail json.RawMessage // a text or an object
}

// bitbucketSaid reads a refusal in the forms that Bitbucket's own have: JSON of the type
// error, the text of a login that did not succeed, and a challenge with its realm.
// https://developer.atlassian.com/cloud/bitbucket/rest/intro/#standardized-error-responses
func bitbucketSaid(res *upstream.Response) bitbucketRefusal {
	var said struct {
		Type  string `json:"type"`
		Error struct {
			Message string          `json:"message"`
			Detail  json.RawMessage `json:"detail"`
		} `json:"error"`
		Errors []struct {
			ExceptionName string `json:"exceptionName"`
		} `json:"errors"`
	}
	if res.Peek(&said) {
		r := bitbucketRefusal{own: said.Type == "error" && said.Error.Message != "", detail: said.Error.Detail}
		r.text = strings.ToLower(said.Error.Message + " " + string(said.Error.Detail))
		r.dataCenter = len(said.Errors) > 0 && strings.HasPrefix(said.Errors[0].ExceptionName, "com.atlassian.bitbucket.")
		if r.own || r.dataCenter {
			return r
		}
	}
	return bitbucketRefusal{own: saysLoginFailed(res) || hasBitbucketRealm(res)}
}

// saysLoginFailed reads the plain text of a refused login: renovatebot/renovate issue 20533.
func saysLoginFailed(res *upstream.Response) bool {
	return strings.HasPrefix(strings.ToLower(strings.TrimSpace(string(res.Body))), "login failed due to incorrect login credentials")
}

// hasBitbucketRealm reads the challenge of a refusal, whose scheme is Basic or OAuth; the
// body may then be empty. Reported by several public clients.
func hasBitbucketRealm(res *upstream.Response) bool {
	for _, challenge := range res.Header.Values("WWW-Authenticate") {
		if strings.Contains(strings.ToLower(challenge), `realm="bitbucket.org http"`) {
			return true
		}
	}
	return false
}

// refusesAddress reports whether Bitbucket says that the caller's address is not listed.
func (r bitbucketRefusal) refusesAddress() bool { return r.own && probe.RefusesAddress(r.text) }
