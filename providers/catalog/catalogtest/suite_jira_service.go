package catalogtest

import (
	"errors"
	"slices"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/jira/jiratest"
	"vault-plugin-secrets-sei/providers/providertest"
)

// What the cases of Atlassian's service accounts have in common.
const (
	botEmail     = "bot@serviceaccount.atlassian.com"
	botToken     = "ATATT3xFfGF0-a-token-of-a-service-account"
	jiraGateway  = "https://" + jiratest.GatewayHost + "/ex/jira/" + jiratest.DefaultCloudID
	gatewayWhoAm = jiratest.DefaultCloudID + "/rest/api/3/myself"
)

// jiraServicePart is the suite of service accounts, whose tokens work through the gateway
// only.
func jiraServicePart() Suite {
	good := botCase("the API token of a service account works through the gateway", "", knowsBot, botGood).as(Good)
	fake := func(w *World) providertest.Fake { return w.Jira }
	questions := good.asks(fake, gatewayWhoAm)
	for _, q := range good.asks(fake, "/project/search") {
		q.Harmless = true
		questions = append(questions, q)
	}
	return Suite{
		Good:      good,
		FaultPath: gatewayWhoAm,
		Fake:      fake,
		Questions: questions,
		Cases:     slices.Concat(botTokenCases(), botPlaceCases(), botKindCases()),
		Without:   map[Situation]string{WrongOrg: "Jira has no setting for an organisation"},
	}
}

func botCase(name string, want providers.Outcome, arrange func(w *World), look check) Case {
	return Case{
		Name: name, Arrange: arrange, Want: want, Check: look,
		Target:     providers.Target{URL: JiraCloudURL, AuthType: "service_account"},
		Credential: credential("email", botEmail, "api_key", botToken),
	}.setting("cloud_id", jiratest.DefaultCloudID)
}

func knowsBot(w *World) { botWith("read:jira-user", "read:jira-work")(w) }

func botWith(scopes ...string) func(w *World) {
	return func(w *World) {
		w.Jira.Add(jiratest.JiraToken{Token: botToken, Email: botEmail, Scopes: scopes, AccountType: "app", AppType: "service"})
	}
}

func botGood(v providers.Verified, _ *providers.Error) error {
	return errors.Join(
		equal("Identity", v.Identity, botEmail), equal("URL", v.URL, jiraGateway), equal("Warnings", len(v.Warnings), 0),
		equal("Scopes told", v.Scopes != nil, false), equal("AccountID told", v.AccountID != "", true),
	)
}

func botTokenCases() []Case {
	on := func(f providertest.Fault) func(w *World) {
		return func(w *World) { knowsBot(w); f.Path = gatewayWhoAm; w.Jira.Behave(f) }
	}
	answer := func(name string) func(w *World) { return on(jiratest.JiraAnswers()[name].At("")) }
	return []Case{
		botCase("a token that nobody knows is rejected", providers.Rejected, noArrangement, saysNot("auth_type api_key")).as(Bad),
		botCase("a revoked token is rejected", providers.Rejected, func(w *World) { knowsBot(w); w.Jira.Revoke(botToken) }, nil).as(Revoked),
		botCase("an expired token is rejected", providers.Rejected, answer("expired_token_anonymous_200"), nil).as(Expired),
		botCase("another account's address is rejected", providers.Rejected, knowsBot, says("ends with @serviceaccount.atlassian.com")).
			with(credential("email", miaEmail, "api_key", botToken)).as(WrongOwner),
		botCase("an answer with another e-mail address is a mismatch", providers.IdentityMismatch,
			on(providertest.Fault{Status: 200, Body: `{"accountId":"5b10","accountType":"app","emailAddress":"noah@example.com","active":true}`}), named("email")),
		botCase("a token without read:jira-user has too few rights", providers.InsufficientScope, botWith("read:jira-work"), missing("read:jira-user")).as(TooFew),
		botCase("a token without read:jira-work is a warning", "", botWith("read:jira-user"), warns(1)),
		botCase("a 200 that names nobody proves nothing", providers.UpstreamError, on(providertest.Fault{Status: 200, Body: `{"accountType":"app"}`}), nil).as(Anonymous),
		botCase("a gateway that answers as to anybody proves nothing", providers.UpstreamError, answer("server_info_success"), nil),
		botCase("required scopes cannot be proved", providers.InsufficientScope, knowsBot, says("does not tell")).list("required_scopes", "read:jira-work"),
	}
}

// botPlaceCases are about where the token is sent: to the gateway, and never to the site.
func botPlaceCases() []Case {
	tells := func(f providertest.Fault) func(w *World) {
		return func(w *World) { knowsBot(w); f.Path = tenantInfo; w.Jira.Behave(f) }
	}
	return []Case{
		botCase("a token that the site would take is not sent there", providers.Rejected, func(w *World) {
			w.Jira.AddAPIToken(botEmail, botToken)
			w.Jira.Behave(providertest.Fault{Path: gatewayWhoAm, Status: 401, Body: `{"code":401,"message":"Unauthorized"}`})
		}, nil),
		botCase("the gateway may be the url", "", knowsBot, func(v providers.Verified, _ *providers.Error) error {
			return errors.Join(equal("Identity", v.Identity, botEmail), equal("URL", v.URL, ""), equal("Warnings", len(v.Warnings), 0))
		}).at(jiraGateway).setting("cloud_id", ""),
		botCase("a service account needs the cloud id", providers.InvalidField, knowsBot, all(named("cloud_id"), says("tenant_info"))).setting("cloud_id", ""),
		botCase("a cloud id cannot be a path", providers.InvalidField, knowsBot, named("cloud_id")).setting("cloud_id", "../../evil"),
		botCase("a cloud id of nobody is told", providers.UpstreamError, knowsBot, says("cloud_id")).setting("cloud_id", "99999999"),
		botCase("the cloud id of another site is told, though the gateway knows the token", providers.InvalidField,
			tells(providertest.Fault{Status: 200, Body: `{"cloudId":"99999999-2222-3333-4444-555555555555"}`}), all(named("cloud_id"), says("another site"))),
		botCase("a site that does not tell its cloud id is a warning", "", tells(providertest.Fault{Status: 500}), warns(1)),
		botCase("tls_server_name is about the site only", "", knowsBot, botGood).setting("tls_server_name", "acme.atlassian.net"),
	}
}

func botKindCases() []Case {
	kind := func(name, accountType, appType string, look check) Case {
		return botCase(name, "", func(w *World) {
			w.Jira.Add(jiratest.JiraToken{Token: botToken, Email: botEmail, Scopes: []string{"read:jira-user", "read:jira-work"}, AccountType: accountType, AppType: appType})
		}, look)
	}
	return []Case{
		kind("an app of no kind may be a service account", "app", "", botGood),
		kind("an app of an unknown kind may be a service account", "app", "unknown", botGood),
		kind("a person's account is a warning", "atlassian", "", both(warned("does not tell this account as a service account"), warns(1))),
		kind("a customer's account is a warning", "customer", "", warned("does not tell this account as a service account")),
		kind("an agent is a warning", "app", "agent", warned("does not tell this account as a service account")),
	}
}
