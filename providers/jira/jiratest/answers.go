package jiratest

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"

	"vault-plugin-secrets-sei/providers/providertest"
)

// answerCaptcha: cristibaluta/Jit issue 12, recorded; the page is made up.
func answerCaptcha(w http.ResponseWriter, loginURL string) {
	w.Header().Set("X-Seraph-LoginReason", "AUTHENTICATION_DENIED")
	w.Header().Set("X-Authentication-Denied-Reason", "CAPTCHA_CHALLENGE; login-url="+loginURL)
	providertest.WriteText(w, http.StatusForbidden, "text/html;charset=UTF-8", "<html><body>Basic Authentication Failure</body></html>")
}

// answerUnauthorized: brekkylab/backlot backlot/errors/atlassian.py, recorded. The
// text is the same whatever the content type says.
func answerUnauthorized(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/ex/jira/") {
		// The gateway's form is that of its answer to a missing scope; its words
		// for a bad token are not known.
		providertest.WriteJSON(w, http.StatusUnauthorized, providertest.Object{"code": http.StatusUnauthorized, "message": "Unauthorized"})
		return
	}
	contentType := "text/plain"
	if accept := r.Header.Get("Accept"); strings.Contains(accept, "json") {
		contentType = "application/json"
	} else if accept == "*/*" {
		contentType = "text/html;charset=UTF-8"
	}
	w.Header().Set("WWW-Authenticate", `OAuth realm="`+url.QueryEscape("https://"+r.Host)+`"`)
	if _, _, named := r.BasicAuth(); named {
		w.Header().Set("X-Seraph-LoginReason", "AUTHENTICATED_FAILED")
	}
	providertest.WriteText(w, http.StatusUnauthorized, contentType, "Client must be authenticated to access this resource.")
}

// scoped demands one of scopes of a scoped token and answers where it has none.
// The answer: raycast/extensions issue 11212, recorded.
func scoped(w http.ResponseWriter, t JiraToken, scopes ...string) bool {
	if t.Scopes == nil {
		return true
	}
	for _, have := range t.Scopes {
		for _, want := range scopes {
			if have == want {
				return true
			}
		}
	}
	providertest.WriteJSON(w, http.StatusUnauthorized, providertest.Object{"code": http.StatusUnauthorized, "message": "Unauthorized; scope does not match"})
	return false
}

// myself: salto-io/jira-swaggers platform-swagger.v3.json for Cloud, documented;
// andygrunwald/go-jira onpremise/user_test.go for Data Center, from a test.
func (j *Jira) myself(w http.ResponseWriter, r *http.Request) {
	t, ok := j.enter(w, r)
	if !ok || !scoped(w, t, "read:jira-user", "read:user:jira") {
		return
	}
	body := providertest.Object{
		"self": "https://" + r.Host + r.URL.Path, "displayName": t.DisplayName, "active": !t.Inactive,
		"timeZone": "Australia/Sydney", "emailAddress": t.Email,
		"groups":           providertest.Object{"size": 3, "items": []any{}},
		"applicationRoles": providertest.Object{"size": 1, "items": []any{}},
	}
	if j.options.DataCenter {
		body["key"], body["name"], body["deleted"] = t.Name, t.Name, t.Deleted
	} else {
		body["key"], body["name"], body["accountId"], body["accountType"] = "", "", t.AccountID, cmp.Or(t.AccountType, "atlassian")
		if t.AppType != "" {
			body["appType"] = t.AppType
		}
	}
	if t.HideEmail {
		delete(body, "emailAddress")
	}
	providertest.WriteJSON(w, http.StatusOK, body)
}

// projectSearch answers anybody: a wrong token sees what the public sees, with a
// 200 and the login filter's header. brekkylab/backlot backlot/routers/atlassian,
// recorded; the shape: salto-io/jira-swaggers, documented.
func (j *Jira) projectSearch(w http.ResponseWriter, r *http.Request) {
	t, user := j.login(r)
	gateway := strings.HasPrefix(r.URL.Path, "/ex/jira/")
	if gateway || strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") {
		var ok bool
		if t, ok = j.enter(w, r); !ok || !scoped(w, t, "read:jira-work", "read:project:jira") {
			return
		}
	}
	values := []any{}
	switch {
	case t.Token == "" || t.Scopes != nil && !gateway:
		if user != "" {
			w.Header().Set("X-Seraph-LoginReason", "AUTHENTICATED_FAILED")
		}
	case !t.NoProjects:
		values = append(values, project(r))
	}
	providertest.WriteJSON(w, http.StatusOK, providertest.Object{
		"self": "https://" + r.Host + r.URL.Path, "maxResults": 1, "startAt": 0,
		"total": len(values), "isLast": true, "values": values,
	})
}

func project(r *http.Request) providertest.Object {
	return providertest.Object{"self": "https://" + r.Host + "/rest/api/3/project/EX", "id": "10000", "key": "EX", "name": "Example", "style": "classic"}
}

// project lists projects on Data Center; developer.atlassian.com/server/jira/platform/rest.
func (j *Jira) project(w http.ResponseWriter, r *http.Request) {
	t, ok := j.enter(w, r)
	if !ok {
		return
	}
	projects := []any{}
	if !t.NoProjects {
		projects = append(projects, project(r))
	}
	providertest.WriteJSON(w, http.StatusOK, projects)
}

// myPermissions: docs.atlassian.com/software/jira/docs/api/REST, documented.
func (j *Jira) myPermissions(w http.ResponseWriter, r *http.Request) {
	t, ok := j.enter(w, r)
	if !ok {
		return
	}
	providertest.WriteJSON(w, http.StatusOK, providertest.Object{"permissions": providertest.Object{"BROWSE_PROJECTS": providertest.Object{
		"id": "10", "key": "BROWSE_PROJECTS", "name": "Browse Projects", "type": "PROJECT", "havePermission": !t.NoProjects,
	}}})
}

// serverInfo is answered without a login: salto-io/jira-swaggers, documented.
func (j *Jira) serverInfo(w http.ResponseWriter, r *http.Request) {
	providertest.WriteJSON(w, http.StatusOK, providertest.Object{"baseUrl": "https://" + r.Host, "version": "1001.0.0-SNAPSHOT", "serverTitle": "Jira"})
}

// tenantInfo: support.atlassian.com/jira/kb/retrieve-my-atlassian-sites-cloud-id, documented.
func (j *Jira) tenantInfo(w http.ResponseWriter, _ *http.Request) {
	providertest.WriteJSON(w, http.StatusOK, providertest.Object{"cloudId": j.options.CloudID})
}
