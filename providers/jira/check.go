package jira

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/probe"
)

// jiraCheck is one check of one credential.
type jiraCheck struct {
	probe.Probe
	site   jiraSite
	header http.Header
	email  string // as entered; empty for Data Center
	// service is set where the account must be one of Atlassian's service accounts.
	service bool
}

// jiraAccount is what /myself tells.
type jiraAccount struct {
	AccountID    string `json:"accountId"` // Cloud
	Key          string `json:"key"`       // Data Center; present and empty on Cloud
	Name         string `json:"name"`      // Data Center; present and empty on Cloud
	EmailAddress string `json:"emailAddress"`
	DisplayName  string `json:"displayName"`
	Active       *bool  `json:"active"`
	Deleted      bool   `json:"deleted"`     // Data Center
	AccountType  string `json:"accountType"` // Cloud
	AppType      string `json:"appType"`     // Cloud, of an app
}

// run tries the site and, where cloud_id names it, the gateway. An API token with
// scopes is refused by the site and works through the gateway only:
// https://support.atlassian.com/atlassian-account/docs/manage-api-tokens-for-your-atlassian-account/
func (c jiraCheck) run(ctx context.Context) (providers.Verified, *providers.Error) {
	if c.service {
		return c.runService(ctx)
	}
	root := c.site.root.String()
	account, refusal := c.myself(ctx, root)
	switch {
	case refusal == nil:
		return c.verified(ctx, root, account)
	case refusal.Outcome != providers.Rejected:
		return providers.Verified{}, refusal
	case c.site.gateway == "":
		return providers.Verified{}, c.adviseCloudID(refusal)
	}
	account, second := c.throughGateway().myself(ctx, c.site.gateway)
	if second != nil {
		return providers.Verified{}, c.refusedTwice(second)
	}
	return c.verifiedThroughGateway(ctx, account)
}

// throughGateway is the check as it asks the gateway: tls_server_name is about the host of
// url.
func (c jiraCheck) throughGateway() jiraCheck {
	c.Route.ServerName = ""
	return c
}

// verifiedThroughGateway describes an account that the gateway told, and demands that
// cloud_id is that of the site.
func (c jiraCheck) verifiedThroughGateway(ctx context.Context, account jiraAccount) (providers.Verified, *providers.Error) {
	warning, other := c.sameSite(ctx)
	if other != nil {
		return providers.Verified{}, other
	}
	v, err := c.throughGateway().verified(ctx, c.site.gateway, account)
	if err != nil {
		return providers.Verified{}, err
	}
	v.URL = c.site.gateway
	if warning != "" {
		v.Warnings = append(v.Warnings, warning)
	}
	return v, nil
}

// adviseCloudID adds to a site's refusal what else may be the reason.
func (c jiraCheck) adviseCloudID(refusal *providers.Error) *providers.Error {
	if strings.HasSuffix(c.site.root.Hostname(), jiraCloudSuffix) && c.email != "" {
		refusal.Detail += "; a token with scopes works through " + jiraGatewayHost + " only: if it is one, set cloud_id"
	}
	return refusal
}

// refusedTwice explains what the gateway said after the site said 401. If the
// gateway could not tell, nobody knows: a token with scopes is always refused by
// the site.
func (c jiraCheck) refusedTwice(second *providers.Error) *providers.Error {
	switch second.Outcome {
	case providers.Rejected:
		second.Detail = "neither the site nor " + jiraGatewayHost + " accepts this e-mail and API token: one of them is wrong, expired or revoked"
	case providers.InsufficientScope, providers.AccountBlocked, providers.IdentityMismatch, providers.CaptchaRequired:
	default:
		second.Detail = "the site refused the token (HTTP 401), which it does with every token that has scopes, and " + jiraGatewayHost + " could not be asked: " + second.Detail
	}
	return second
}

// myself asks whose credential this is.
//
// Cloud: https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-myself/
// Data Center: https://developer.atlassian.com/server/jira/platform/rest/v10004/api-group-myself/
func (c jiraCheck) myself(ctx context.Context, root string) (jiraAccount, *providers.Error) {
	var a jiraAccount
	res, err := c.Get(ctx, root+c.site.api+"/myself", c.header)
	if err != nil {
		return a, err
	}
	if err := c.judge(res); err != nil {
		return a, err
	}
	if err := c.JSON(res, &a); err != nil {
		return a, err
	}
	return a, c.judgeAccount(res.Host, &a)
}

// judgeAccount demands that the answer names an account of the right product that
// is the one entered and may be used.
func (c jiraCheck) judgeAccount(host string, a *jiraAccount) *providers.Error {
	told := strings.TrimSpace(a.EmailAddress) != ""
	*a = jiraAccount{
		AccountID: probe.Printable(a.AccountID), Key: probe.Printable(a.Key), Name: probe.Printable(a.Name),
		EmailAddress: probe.Printable(a.EmailAddress), DisplayName: probe.Printable(a.DisplayName), Active: a.Active,
		Deleted: a.Deleted, AccountType: a.AccountType, AppType: a.AppType,
	}
	cloud := c.site.api == "/rest/api/3"
	switch {
	case a.AccountID == "" && a.Key == "" && a.Name == "":
		return c.Fail(providers.UpstreamError, "%q answered HTTP 200 without naming an account; check url", host)
	case cloud && a.AccountID == "":
		return c.Fail(providers.UpstreamError, "%q answers like Jira Data Center, not like Jira Cloud; use auth_type pat, or check url", host)
	case !cloud && a.AccountID != "":
		return c.Fail(providers.UpstreamError, "%q answers like Jira Cloud, not like Jira Data Center; use auth_type api_key, or check url", host)
	case a.Deleted:
		return c.Fail(providers.AccountBlocked, "the token works, but its account has been deleted in Jira; use a token of another account")
	case a.Active != nil && !*a.Active:
		return c.Fail(providers.AccountBlocked, "the token works, but its account is deactivated in Jira; ask a Jira administrator to activate it")
	case c.email != "" && told && a.EmailAddress == "":
		return c.Fail(providers.UpstreamError, "%q answered HTTP 200 with an e-mail address that cannot be read, so it could not be compared; check url", host)
	case c.email != "" && told && !strings.EqualFold(c.email, a.EmailAddress):
		e := c.Fail(providers.IdentityMismatch, "the token works, but belongs to an account with another e-mail address than the one entered")
		e.Fields = []string{jiraEmail}
		return e
	}
	return nil
}

// verified describes the account and adds what a second look at the rights says.
func (c jiraCheck) verified(ctx context.Context, root string, a jiraAccount) (providers.Verified, *providers.Error) {
	v := providers.Verified{
		Identity:  cmp.Or(a.EmailAddress, c.email, a.Name, a.DisplayName, a.AccountID, a.Key),
		AccountID: cmp.Or(a.AccountID, a.Key, a.Name),
	}
	projects, err := c.projects(ctx, root)
	if err != nil {
		return providers.Verified{}, err
	}
	for _, warning := range []string{c.kindWarning(a), projects} {
		if warning != "" {
			v.Warnings = append(v.Warnings, warning)
		}
	}
	return v, nil
}

// kindWarning says what is unusual about the kind of a Cloud account.
// https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-users/ (schema User)
func (c jiraCheck) kindWarning(a jiraAccount) string {
	switch {
	case c.service:
		return a.serviceWarning()
	case a.AccountType == "customer":
		return "the account is a customer of a service project, who sees requests in its portal and no projects; use a token of an Atlassian account with access to Jira"
	case a.AccountType == "app" && a.AppType == "service":
		return "the account is a service account and belongs to no person; an organisation admin of Atlassian can remove it"
	case a.AccountType == "app":
		return "the account is that of an app and belongs to no person; it goes when the app is removed"
	}
	return ""
}
