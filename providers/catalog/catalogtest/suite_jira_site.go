package catalogtest

import (
	"net/http"
	"strings"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/jira/jiratest"
	"vault-plugin-secrets-sei/providers/providertest"
)

const (
	// tenantInfo is where a site tells its cloud id to anybody.
	tenantInfo = "/_edge/tenant_info"
	// letteredCloudID is a cloud id with letters.
	letteredCloudID = "aaaabbbb-2222-3333-4444-555555555555"
)

// jiraSiteCases ask whether cloud_id is that of the site.
func jiraSiteCases() []Case {
	tells := func(f providertest.Fault) func(w *World) {
		return func(w *World) {
			hasScopes("read:jira-user", "read:jira-work")(w)
			f.Path = tenantInfo
			w.Jira.Behave(f)
		}
	}
	id := func(body string) func(w *World) { return tells(providertest.Fault{Status: http.StatusOK, Body: body}) }
	lettered := func(w *World) {
		id(`{"cloudId":"` + strings.ToUpper(letteredCloudID) + `"}`)(w)
		// The fake's gateway has the path of its own id.
		w.Handle(jiratest.GatewayHost, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			r.URL.Path = strings.Replace(r.URL.Path, letteredCloudID, jiratest.DefaultCloudID, 1)
			w.Jira.ServeHTTP(rw, r)
		}))
	}
	cases := []Case{
		scopedCase("the cloud id of another site is told, though the gateway knows the token", providers.InvalidField,
			id(`{"cloudId":"99999999-2222-3333-4444-555555555555"}`), func(_ providers.Verified, err *providers.Error) error {
				return both(says("another site"), func(providers.Verified, *providers.Error) error {
					return equal("Fields", strings.Join(err.Fields, " "), "cloud_id")
				})(providers.Verified{}, err)
			}),
		scopedCase("a cloud id is compared without case", "", lettered, warns(0)).setting("cloud_id", letteredCloudID),
		scopedCase("answer tenant_info_success to "+tenantInfo, "", tells(jiratest.JiraAnswers()["tenant_info_success"].At(tenantInfo)), warns(0)),
		scopedCase("a cloud id that is none is a warning", "", id(`{"cloudId":"../x"}`), warns(1)),
		scopedCase("a cloud id of another type is a warning", "", id(`{"cloudId":7}`), warns(1)),
	}
	for _, name := range []string{"empty_object", "login_page", "unauthorized_empty", "forbidden_html", "not_found_html", "redirect", "rate_limited", "server_error", "reset"} {
		fault, _ := providertest.NamedFault(name, ElsewhereURL)
		cases = append(cases, scopedCase("a site that does not tell its cloud id is a warning: "+name, "", tells(fault), warns(1)))
	}
	return cases
}

// jiraDoubtCases are answers that look like a verdict and are none, and the reverse.
func jiraDoubtCases() []Case {
	answers := func(f providertest.Fault) func(w *World) {
		return func(w *World) {
			knowsMia(w)
			f.Path = "/rest/api/3/myself"
			w.Jira.Behave(f)
		}
	}
	email := func(value string) func(w *World) {
		return answers(providertest.Fault{Status: http.StatusOK, Body: `{"accountId":"5b10","active":true,"emailAddress":` + value + `}`})
	}
	page := providertest.Fault{Status: http.StatusForbidden, Body: "<html></html>", Header: map[string]string{"Content-Type": "text/html"}}
	page.Header["X-Seraph-LoginReason"] = "OK"
	return []Case{
		jiraCloudCase("a 403 in the JSON of somebody else proves nothing", providers.UpstreamError, answers(providertest.Fault{Status: http.StatusForbidden, Body: `{"message":"Forbidden"}`}), nil),
		jiraCloudCase("a 403 whose errorMessages are none proves nothing", providers.UpstreamError, answers(providertest.Fault{Status: http.StatusForbidden, Body: `{"errorMessages":"no"}`}), nil),
		jiraCloudCase("a 403 after a login is a missing right", providers.InsufficientScope, answers(page), nil),
		jiraCloudCase("a 200 for an account without access to Jira is anonymous", providers.AccountBlocked, answers(providertest.Fault{
			Status: http.StatusOK, Body: jiratest.JiraAnswers()["myself_success_cloud"].Body, Header: map[string]string{"X-Seraph-LoginReason": "AUTHORISATION_FAILED"},
		}), nil),
		jiraCloudCase("an e-mail address that turns text around is no verdict", providers.UpstreamError, email(`"mia@example.com\u202e"`), says("could not be compared")),
		jiraCloudCase("an e-mail address that is far too long is no verdict", providers.UpstreamError, email(`"`+strings.Repeat("m", 300)+`@example.com"`), nil),
		jiraCloudCase("an e-mail address that is a number is no verdict", providers.UpstreamError, email(`7`), nil),
		jiraCloudCase("an e-mail address that is null is not told", "", email(`null`), jiraGood),
		jiraCloudCase("an e-mail address that is empty is not told", "", email(`""`), jiraGood),
		jiraCloudCase("a 403 of somebody else to the second request is no warning", "", func(w *World) {
			knowsMia(w)
			w.Jira.Behave(providertest.Fault{Path: "/project/search", Status: http.StatusForbidden, Body: `{"message":"Forbidden"}`})
		}, jiraGood),
		jiraCloudCase("a 403 of Jira to the second request is a warning", "", func(w *World) {
			knowsMia(w)
			w.Jira.Behave(providertest.Fault{Path: "/project/search", Status: http.StatusForbidden, Body: `{"errorMessages":["no"]}`})
		}, warns(1)),
	}
}
