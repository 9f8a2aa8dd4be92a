package catalogtest

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/jira/jiratest"
	"vault-plugin-secrets-sei/providers/providertest"
)

// What the cases of Jira have in common.
const (
	miaEmail    = "mia@example.com"
	jiraToken   = "ATATT3xFfGF0-a-token-without-scopes"
	jiraScoped  = "ATATT3xFfGF0-a-token-with-scopes"
	jiraUnknown = "ATATT3xFfGF0-a-token-nobody-knows"
	jiraPAT     = "MDEyMzQ1Njc4OTAxOmFiY2RlZmdoaWprbG1ub3Bx"
)

func jiraSuite() Suite {
	return Suite{
		Good: jiraCloudCase("an API token without scopes works on the site", "", func(w *World) {
			w.Jira.AddAPIToken(miaEmail, jiraToken)
		}, jiraGood),
		FaultPath: "/rest/api/3/myself",
		Fake:      func(w *World) providertest.Fake { return w.Jira },
		Questions: jiraQuestions(),
		Cases:     slices.Concat(jiraCloudCases(), jiraGatewayCases(), jiraSiteCases(), jiraDoubtCases(), jiraDataCenterCases(), jiraAnswerCases(), jiraAddressCases(), jiraKindCases()),
		Parts:     map[string]Suite{"service account": jiraServicePart()},
		Open:      []string{tenantInfo},
		Without:   map[Situation]string{WrongOrg: "Jira has no setting for an organisation"},
	}
}

// jiraQuestions are the requests of a check: of a site, of the gateway, of a server.
func jiraQuestions() []Question {
	cloud, server := func(w *World) providertest.Fake { return w.Jira }, func(w *World) providertest.Fake { return w.JiraDataCenter }
	site := jiraCloudCase("", "", knowsMia, nil)
	scoped := scopedCase("", "", hasScopes("read:jira-user", "read:jira-work"), nil)
	pat := jiraServerCase("", "", func(w *World) { w.JiraDataCenter.AddPAT("mia", jiraPAT) }, nil)
	questions := slices.Concat(site.asks(cloud, "/rest/api/3/myself"), scoped.asks(cloud, jiratest.DefaultCloudID+"/rest/api/3/myself"), pat.asks(server, "/rest/api/2/myself"))
	for _, q := range slices.Concat(site.asks(cloud, "/project/search"), pat.asks(server, "/mypermissions")) {
		q.Harmless = true
		questions = append(questions, q)
	}
	return questions
}

type check = func(providers.Verified, *providers.Error) error

func jiraCloudCase(name string, want providers.Outcome, arrange func(w *World), look check) Case {
	c := Case{
		Name: name, Arrange: arrange, Want: want, Check: look,
		Target:     providers.Target{URL: JiraCloudURL, AuthType: "api_key"},
		Credential: credential("email", miaEmail, "api_key", jiraToken),
	}
	if want == "" {
		c.Situation = Good
	}
	return c
}

func (c Case) as(s Situation) Case { c.Situation = s; return c }

func (c Case) named(name string) Case { c.Name = name; return c }

func (c Case) with(cred providers.Credential) Case { c.Credential = cred; return c }

func (c Case) at(address string) Case { c.Target.URL = address; return c }

func (c Case) setting(name, value string) Case {
	c.Target.Settings = c.Target.Settings.Clone()
	c.Target.Settings.Texts[name] = value
	return c
}

func (c Case) list(name string, values ...string) Case {
	c.Target.Settings = c.Target.Settings.Clone()
	c.Target.Settings.Lists[name] = values
	return c
}

func jiraGood(v providers.Verified, _ *providers.Error) error {
	return errors.Join(
		equal("Identity", v.Identity, miaEmail), equal("URL", v.URL, ""), equal("Warnings", len(v.Warnings), 0),
		equal("Scopes told", v.Scopes != nil, false), equal("AccountID told", v.AccountID != "", true),
	)
}

func warns(n int) check {
	return func(v providers.Verified, _ *providers.Error) error {
		return equal("number of warnings", len(v.Warnings), n)
	}
}

func actionURL(want string) check {
	return func(_ providers.Verified, err *providers.Error) error { return equal("URL", err.URL, want) }
}

func noArrangement(*World) {}

func knowsMia(w *World) { w.Jira.AddAPIToken(miaEmail, jiraToken) }

func jiraCloudCases() []Case {
	unknown := credential("email", miaEmail, "api_key", jiraUnknown)
	return []Case{
		jiraCloudCase("an API token that nobody knows is rejected", providers.Rejected, knowsMia, says("set cloud_id")).with(unknown).as(Bad),
		jiraCloudCase("a revoked API token is rejected", providers.Rejected, func(w *World) {
			knowsMia(w)
			w.Jira.Revoke(jiraToken)
		}, nil).as(Revoked),
		jiraCloudCase("another person's e-mail address with a good token is rejected", providers.Rejected, knowsMia, nil).
			with(credential("email", "noah@example.com", "api_key", jiraToken)).as(WrongOwner),
		jiraCloudCase("an answer with another e-mail address is a mismatch", providers.IdentityMismatch, func(w *World) {
			w.Jira.Behave(providertest.Fault{Path: "/myself", Status: 200, Body: `{"accountId":"5b10","emailAddress":"noah@example.com","active":true}`})
		}, nil),
		jiraCloudCase("the e-mail address is compared without case", "", knowsMia, jiraGood).
			with(credential("email", "Mia@Example.com", "api_key", jiraToken)),
		jiraCloudCase("a hidden e-mail address is no mismatch", "", func(w *World) {
			w.Jira.Add(jiratest.JiraToken{Token: jiraToken, Email: miaEmail, HideEmail: true, DisplayName: "Mia Example"})
		}, func(v providers.Verified, _ *providers.Error) error {
			return equal("Identity", v.Identity, miaEmail) // which Basic proves
		}),
		jiraCloudCase("a deactivated account is blocked", providers.AccountBlocked, func(w *World) {
			w.Jira.Add(jiratest.JiraToken{Token: jiraToken, Email: miaEmail, Inactive: true})
		}, nil),
		jiraCloudCase("an account without projects is a warning", "", func(w *World) {
			w.Jira.Add(jiratest.JiraToken{Token: jiraToken, Email: miaEmail, NoProjects: true})
		}, warns(1)),
		jiraCloudCase("trouble with the second request is no failure", "", func(w *World) {
			knowsMia(w)
			w.Jira.Behave(providertest.Fault{Path: "/project/search", Status: 500})
		}, jiraGood),
		jiraCloudCase("a CAPTCHA wants a person", providers.CaptchaRequired, func(w *World) {
			knowsMia(w)
			w.Jira.DemandCaptcha(miaEmail, JiraCloudURL+"/login.jsp")
		}, actionURL(JiraCloudURL+"/login.jsp")),
		jiraCloudCase("the page of a CAPTCHA is not told if it is on another host", providers.CaptchaRequired, func(w *World) {
			w.Jira.DemandCaptcha(miaEmail, "https://elsewhere.example.com/login.jsp")
		}, actionURL("")),
		jiraCloudCase("one header is enough to tell a CAPTCHA", providers.CaptchaRequired, func(w *World) {
			w.Jira.Behave(providertest.Fault{Path: "/myself", Status: 401, Header: map[string]string{"X-Authentication-Denied-Reason": "CAPTCHA_CHALLENGE"}})
		}, actionURL("")),
		jiraCloudCase("the API's path and what people copy with it is accepted", "", knowsMia, jiraGood).
			at("https://Acme.Atlassian.net/jira/software/projects/EX/boards/1"),
		jiraCloudCase("a Data Center behind the address is told apart", providers.UpstreamError, noArrangement, says("auth_type pat")).
			at("https://jira.example.com/jira"),
		jiraCloudCase("an answer without account id is Data Center's", providers.UpstreamError, func(w *World) {
			w.Jira.Behave(jiratest.JiraAnswers()["myself_success_data_center"].At("/myself"))
		}, says("auth_type pat")),
		jiraCloudCase("a 403 in JSON is a missing right", providers.InsufficientScope, func(w *World) {
			w.Jira.Behave(providertest.Fault{Path: "/myself", Status: 403, Body: `{"errorMessages":["no"]}`})
		}, nil),
		jiraCloudCase("an account without access to Jira is blocked", providers.AccountBlocked, func(w *World) {
			w.Jira.Behave(providertest.Fault{Path: "/myself", Status: 403, Body: "<html></html>", Header: map[string]string{
				"Content-Type": "text/html", "X-Seraph-LoginReason": "AUTHORISATION_FAILED",
			}})
		}, nil),
		jiraCloudCase("required scopes cannot be proved", providers.InsufficientScope, knowsMia, says("does not tell")).
			list("required_scopes", "read:jira-work"),
		jiraCloudCase("a broken connection is tried once more", "", func(w *World) {
			knowsMia(w)
			w.Jira.Behave(providertest.Fault{Path: "/myself", Reset: true, Times: 1})
		}, jiraGood),
		jiraCloudCase("a site that is not allowed is not called", providers.AddressNotAllowed, noArrangement, nil).
			at("https://other.example.com"),
	}
}

// scopedCase is a token with scopes, and the cloud id.
func scopedCase(name string, want providers.Outcome, arrange func(w *World), look check) Case {
	return jiraCloudCase(name, want, arrange, look).
		with(credential("email", miaEmail, "api_key", jiraScoped)).setting("cloud_id", jiratest.DefaultCloudID)
}

func hasScopes(scopes ...string) func(w *World) {
	return func(w *World) { w.Jira.AddScopedToken(miaEmail, jiraScoped, scopes...) }
}

func jiraGatewayCases() []Case {
	const gateway = "https://" + jiratest.GatewayHost + "/ex/jira/" + jiratest.DefaultCloudID
	full := hasScopes("read:jira-user", "read:jira-work")
	worksAt := func(address string) check {
		return func(v providers.Verified, _ *providers.Error) error {
			return errors.Join(equal("URL", v.URL, address), equal("Warnings", len(v.Warnings), 0))
		}
	}
	onGateway := func(f providertest.Fault) func(w *World) {
		return func(w *World) {
			full(w)
			f.Path = jiratest.DefaultCloudID + "/rest/api/3/myself"
			w.Jira.Behave(f)
		}
	}
	return []Case{
		scopedCase("a token with scopes works through the gateway", "", full, worksAt(gateway)),
		scopedCase("tls_server_name is about the site only", "", full, worksAt(gateway)).setting("tls_server_name", "acme.atlassian.net"),
		scopedCase("the gateway may be the url", "", full, worksAt("")).at(gateway + "/rest/api/3"),
		scopedCase("a token without scopes stays on the site", "", knowsMia, worksAt("")).with(credential("email", miaEmail, "api_key", jiraToken)),
		scopedCase("a token with scopes is rejected where no cloud id is set", providers.Rejected, full, says("set cloud_id")).setting("cloud_id", ""),
		scopedCase("a token that neither knows is rejected", providers.Rejected, noArrangement, says("neither")),
		scopedCase("a token without read:jira-user has too few rights", providers.InsufficientScope, hasScopes("read:jira-work"),
			func(_ providers.Verified, err *providers.Error) error {
				return equal("Missing", len(err.Missing) == 1 && err.Missing[0] == "read:jira-user", true)
			}).as(TooFew),
		scopedCase("a token without read:jira-work is a warning", "", hasScopes("read:jira-user"), warns(1)),
		scopedCase("a gateway in trouble leaves open whether the token is good", providers.UpstreamError, onGateway(providertest.Fault{Status: 503}), says("could not be asked")),
		scopedCase("a gateway that limits the rate leaves it open, too", providers.RateLimited, onGateway(providertest.Fault{Status: 429}), nil),
		scopedCase("a cloud id of nobody is told", providers.UpstreamError, full, says("cloud_id")).setting("cloud_id", "99999999"),
		scopedCase("a cloud id cannot be a path", providers.InvalidField, full, nil).setting("cloud_id", "../../evil"),
		scopedCase("the gateway as url needs the cloud id", providers.InvalidField, full, nil).at("https://" + jiratest.GatewayHost),
	}
}

func jiraServerCase(name string, want providers.Outcome, arrange func(w *World), look check) Case {
	c := Case{
		Name: "Data Center: " + name, Arrange: arrange, Want: want, Check: look,
		Target:     providers.Target{URL: JiraDataCenterURL, AuthType: "pat"},
		Credential: credential("pat", jiraPAT),
	}
	return c
}

func jiraDataCenterCases() []Case {
	known := func(w *World) { w.JiraDataCenter.AddPAT("mia", jiraPAT) }
	good := func(v providers.Verified, _ *providers.Error) error {
		return errors.Join(equal("Identity", v.Identity, miaEmail), equal("AccountID", v.AccountID, "mia"), equal("Warnings", len(v.Warnings), 0))
	}
	behaves := func(a providertest.Answer) func(w *World) {
		return func(w *World) { w.JiraDataCenter.Behave(a.At("/myself")) }
	}
	answers := jiratest.JiraAnswers()
	return []Case{
		jiraServerCase("a personal access token works", "", known, good),
		jiraServerCase("the API's path is accepted", "", known, good).at(JiraDataCenterURL + "/rest/api/latest/"),
		jiraServerCase("the context path is needed", providers.UpstreamError, known, says("context path")).at("https://jira.example.com"),
		jiraServerCase("an unknown token is rejected", providers.Rejected, noArrangement, nil),
		jiraServerCase("an account without projects is a warning", "", func(w *World) {
			w.JiraDataCenter.Add(jiratest.JiraToken{Token: jiraPAT, PAT: true, Name: "mia", Email: miaEmail, NoProjects: true})
		}, warns(1)),
		jiraServerCase("a Cloud site takes no such token, and does not judge it", providers.UpstreamError, noArrangement, says("api_key")).at(JiraCloudURL),
		jiraServerCase("answers of Cloud are told apart", providers.UpstreamError, behaves(answers["myself_success_cloud"]), says("api_key")),
		jiraServerCase("answer captcha_403", providers.CaptchaRequired, behaves(answers["captcha_403"]), actionURL("https://jira.example.com/login.jsp")),
		jiraServerCase("answer denied_200_auth_session", providers.CaptchaRequired, behaves(answers["denied_200_auth_session"]), actionURL("")),
		jiraServerCase("answer myself_success_data_center", "", func(w *World) {
			known(w)
			behaves(answers["myself_success_data_center"])(w)
		}, good),
		jiraServerCase("answer myself_data_center_documented", "", func(w *World) {
			known(w)
			behaves(answers["myself_data_center_documented"])(w)
		}, good),
		jiraServerCase("an account that was deleted is blocked", providers.AccountBlocked, func(w *World) {
			w.JiraDataCenter.Add(jiratest.JiraToken{Token: jiraPAT, PAT: true, Name: "mia", Email: miaEmail, Deleted: true})
		}, says("deleted")),
		jiraServerCase("an account that was deactivated is blocked", providers.AccountBlocked, func(w *World) {
			w.JiraDataCenter.Add(jiratest.JiraToken{Token: jiraPAT, PAT: true, Name: "mia", Email: miaEmail, Inactive: true})
		}, says("deactivated")),
		jiraServerCase("answer data_center_unauthorized", providers.Rejected, behaves(answers["data_center_unauthorized"]), nil),
		jiraServerCase("answer data_center_unauthorized_messages", providers.Rejected, behaves(answers["data_center_unauthorized_messages"]), nil),
		jiraServerCase("answer data_center_unauthorized_page", providers.Rejected, behaves(answers["data_center_unauthorized_page"]), nil),
		jiraServerCase("answer unauthorized_json_older", providers.Rejected, behaves(answers["unauthorized_json_older"]), nil),
		jiraServerCase("answer myself_unauthorized_bare", providers.Rejected, behaves(answers["myself_unauthorized_bare"]), nil),
		jiraServerCase("answer bearer_on_site_host_403", providers.UpstreamError, behaves(answers["bearer_on_site_host_403"]), says("api_key")),
	}
}

// jiraAnswerCases are the answers to /myself of Cloud.
func jiraAnswerCases() []Case {
	answers := jiratest.JiraAnswers()
	myself := func(name string, want providers.Outcome, look check) Case {
		return jiraCloudCase("answer "+name, want, func(w *World) { knowsMia(w); w.Jira.Behave(answers[name].At("/rest/api/3/myself")) }, look)
	}
	search := func(name string, want providers.Outcome, look check) Case {
		return jiraCloudCase("answer "+name, want, func(w *World) { knowsMia(w); w.Jira.Behave(answers[name].At("/project/search")) }, look)
	}
	return []Case{
		myself("myself_success_cloud", "", jiraGood),
		myself("myself_unauthorized_cloud", providers.Rejected, nil),
		myself("unauthorized_html_older", providers.Rejected, nil),
		myself("unauthorized_json_older", providers.Rejected, nil),
		myself("myself_unauthorized_bare", providers.Rejected, nil),
		jiraCloudCase("a 401 after a login is a missing right", providers.InsufficientScope, func(w *World) {
			w.Jira.Behave(providertest.Fault{Path: "/myself", Status: 401, Body: `{}`, Header: map[string]string{"X-Seraph-LoginReason": "OK"}})
		}, nil),
		myself("expired_token_anonymous_200", providers.Rejected, nil).as(Expired),
		myself("gateway_scope_mismatch", providers.InsufficientScope, nil),
		myself("rate_limited_burst", providers.RateLimited, retryAfter(time.Second)),
		myself("server_info_success", providers.UpstreamError, nil).as(Anonymous),
		myself("tenant_info_success", providers.UpstreamError, nil),
		search("project_search_success", "", warns(0)),
		search("bad_credential_on_search_200", providers.UpstreamError, says("a moment later")),
	}
}

// jiraAddressCases are about the allowlist of an organisation, whose status is not
// documented.
func jiraAddressCases() []Case {
	listed := both(says("not judged", "list the address of this Vault"), actionURL(""))
	answers := jiratest.JiraAnswers()
	on := func(path string, a providertest.Answer) func(w *World) {
		return func(w *World) {
			knowsMia(w)
			hasScopes("read:jira-user", "read:jira-work")(w)
			w.Jira.Behave(a.At(path))
		}
	}
	var cases []Case
	for _, name := range []string{"ip_rejected", "ip_rejected_message", "ip_rejected_page"} {
		for _, status := range []int{http.StatusForbidden, http.StatusUnauthorized, http.StatusBadRequest} {
			a := answers[name]
			a.Status = status
			told := " answered with " + strconv.Itoa(status)
			cases = append(cases, jiraCloudCase("answer "+name+told, providers.InsufficientScope, on("/rest/api/3/myself", a), listed),
				scopedCase("answer "+name+" of the gateway"+told, providers.InsufficientScope, on(jiratest.DefaultCloudID+"/rest/api/3/myself", a), listed))
		}
	}
	failed := answers["ip_rejected"]
	failed.Status, failed.Header = http.StatusUnauthorized, map[string]string{"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}
	return append(cases, jiraCloudCase("an address that is rejected is no failed login", providers.InsufficientScope, on("/rest/api/3/myself", failed), listed),
		jiraCloudCase("an address that is rejected at the second request is a warning", "", on("/project/search", answers["ip_rejected"]), warned("list the address of this Vault")))
}

// jiraKindCases are about kinds of Cloud accounts.
func jiraKindCases() []Case {
	kind := func(name, accountType, appType string, look check) Case {
		return jiraCloudCase(name, "", func(w *World) {
			w.Jira.Add(jiratest.JiraToken{Token: jiraToken, Email: miaEmail, AccountType: accountType, AppType: appType})
		}, look)
	}
	return []Case{
		kind("a customer's account is a warning", "customer", "", both(warned("customer"), warns(1))),
		kind("an app's account is a warning", "app", "", both(warned("of an app"), warns(1))),
		kind("a service account is a warning", "app", "service", both(warned("service account"), warns(1))),
		kind("a kind that nobody documents is none", "unknown", "", warns(0)),
		jiraCloudCase("answer myself_email_hidden_cloud", "", func(w *World) {
			knowsMia(w)
			w.Jira.Behave(jiratest.JiraAnswers()["myself_email_hidden_cloud"].At("/rest/api/3/myself"))
		}, warned("service account")),
	}
}
