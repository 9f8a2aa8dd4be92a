package jira

import (
	"context"
	"strings"

	"vault-plugin-secrets-sei/providers"
)

// jiraServiceDomain is where Atlassian gives service accounts their e-mail addresses.
// https://support.atlassian.com/user-management/docs/manage-api-tokens-for-service-accounts
const jiraServiceDomain = "@serviceaccount.atlassian.com"

// runService asks the gateway alone: the token of a service account always has scopes, so
// the site would refuse it.
// https://support.atlassian.com/user-management/docs/manage-api-tokens-for-service-accounts
func (c jiraCheck) runService(ctx context.Context) (providers.Verified, *providers.Error) {
	if c.site.gateway == "" { // which url is
		root := c.site.root.String()
		account, refusal := c.myself(ctx, root)
		if refusal != nil {
			return providers.Verified{}, c.adviseEmail(refusal)
		}
		return c.verified(ctx, root, account)
	}
	account, refusal := c.throughGateway().myself(ctx, c.site.gateway)
	if refusal != nil {
		return providers.Verified{}, c.adviseEmail(refusal)
	}
	return c.verifiedThroughGateway(ctx, account)
}

// adviseEmail adds to a refusal that the e-mail address is not of a service account. How
// Atlassian's addresses look is its own affair, so it is no reason to refuse one before.
func (c jiraCheck) adviseEmail(refusal *providers.Error) *providers.Error {
	if refusal.Outcome == providers.Rejected && !strings.HasSuffix(strings.ToLower(c.email), jiraServiceDomain) {
		refusal.Detail += "; the e-mail address of a service account ends with " + jiraServiceDomain + ": use auth_type api_key for the token of a person"
	}
	return refusal
}

// serviceWarning says that an account is told to be no service account. What Atlassian
// tells of one is in no source but the names of the kinds.
func (a jiraAccount) serviceWarning() string {
	if a.AccountType == "" || a.AccountType == "app" && a.AppType != "agent" {
		return ""
	}
	return "Jira does not tell this account as a service account, so it may be that of a person, and goes with that person; for one, use auth_type api_key"
}
