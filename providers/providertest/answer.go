package providertest

import "net/http"

// Answer is one answer of a real upstream, told by its source.
type Answer struct {
	// Source is where the answer is recorded or documented.
	Source string
	Status int
	Header map[string]string
	Body   string
}

// At makes a fault of the answer: requests whose path ends with path get it.
func (a Answer) At(path string) Fault {
	return Fault{Path: path, Status: a.Status, Header: a.Header, Body: a.Body}
}

// JiraUnauthorized is how Jira refuses a bad API token. It is the one upstream's answer
// that is a named fault, too: "unauthorized_jira".
func JiraUnauthorized() Answer {
	return Answer{
		Source: "recorded: brekkylab/backlot backlot/errors/atlassian.py; the text is no JSON whatever the content type says",
		Status: http.StatusUnauthorized,
		Header: map[string]string{
			"Content-Type":         "application/json",
			"WWW-Authenticate":     `OAuth realm="https%3A%2F%2Facme.atlassian.net"`,
			"X-Frame-Options":      "SAMEORIGIN",
			"X-Seraph-LoginReason": "AUTHENTICATED_FAILED",
		},
		Body: "Client must be authenticated to access this resource.",
	}
}
