package azuredevops

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/probe"
)

// azureIdentity is an account as connectionData tells it.
// https://github.com/microsoft/azure-devops-go-api/blob/dev/azuredevops/v7/location/models.go
type azureIdentity struct {
	ID                  string          `json:"id"`
	Descriptor          string          `json:"descriptor"`
	ProviderDisplayName string          `json:"providerDisplayName"`
	CustomDisplayName   string          `json:"customDisplayName"`
	IsActive            *bool           `json:"isActive"` // not told by all servers
	Properties          json.RawMessage `json:"properties"`
}

// identity asks whose credential this is. The resource exists as a preview only.
func (c azureCheck) identity(ctx context.Context) (azureIdentity, *providers.Error) {
	res, err := c.ask(ctx, c.root.api+"/_apis/connectionData", "-preview")
	if err != nil {
		return azureIdentity{}, err
	}
	if err := c.judge(res); err != nil {
		return azureIdentity{}, err
	}
	var body struct {
		AuthenticatedUser azureIdentity `json:"authenticatedUser"`
		AuthorizedUser    azureIdentity `json:"authorizedUser"`
	}
	if err := c.JSON(res, &body); err != nil {
		return azureIdentity{}, err
	}
	user := body.AuthenticatedUser
	switch {
	case azureAnonymous(user), azureAnonymous(body.AuthorizedUser):
		return user, c.Fail(providers.Rejected, "%q took the request for an anonymous one, which it answers where projects are public: the %s is wrong, expired, revoked, or made for another organisation than %s", res.Host, c.token, c.organization)
	case !isGUID(user.ID) || !c.isAccount(user.Descriptor):
		return user, c.Fail(providers.UpstreamError, "%q answered HTTP 200 without naming an account; check url", res.Host)
	case !strings.EqualFold(user.ID, body.AuthorizedUser.ID):
		return user, c.Fail(providers.UpstreamError, "%q names one account as authenticated and another, or none, as authorized; that proves nothing", res.Host)
	case user.inactive(), body.AuthorizedUser.inactive():
		return user, c.Fail(providers.AccountBlocked, "the %s is known, but its account is not active in the organisation %s; have an administrator of Azure DevOps activate it or add it again", c.token, c.organization)
	}
	return user, nil
}

// inactive reports whether Azure DevOps says that the account may not be used.
func (a azureIdentity) inactive() bool { return a.IsActive != nil && !*a.IsActive }

// azureNobody is the id of the account that anonymous requests are made as.
const azureNobody = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"

// azureAnonymous reports whether an account stands for nobody. An organisation
// with public projects answers a bad token, too, as this one.
func azureAnonymous(a azureIdentity) bool {
	return strings.HasPrefix(a.Descriptor, "System:") || strings.HasSuffix(a.Descriptor, "WindowsIdentity;S-1-5-7") ||
		strings.EqualFold(a.ID, azureNobody)
}

// isAccount reports whether a descriptor is one of a person or a service, and not
// one of a group or of nobody.
func (c azureCheck) isAccount(descriptor string) bool {
	claims, service := "Microsoft.IdentityModel.Claims.ClaimsIdentity;", "Microsoft.TeamFoundation.ServiceIdentity;"
	if strings.HasPrefix(descriptor, claims) || strings.HasPrefix(descriptor, service) {
		return true
	}
	// Accounts of a domain or a machine; those that Windows comes with are shorter.
	return !c.root.hosted && strings.HasPrefix(descriptor, "System.Security.Principal.WindowsIdentity;S-1-5-21-")
}

var guidForm = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)

func isGUID(text string) bool {
	return guidForm.MatchString(text) &&
		strings.Trim(text, "0-") != ""
}

// azureAccount reads the name that an account signs in with, "" where none is told.
// It is not ok where there is one that cannot be read.
func azureAccount(properties json.RawMessage) (account string, ok bool) {
	var p struct {
		Account struct {
			Value string `json:"$value"`
		} `json:"Account"`
	}
	if len(properties) == 0 {
		return "", true
	}
	if json.Unmarshal(properties, &p) != nil {
		return "", false
	}
	account = p.Account.Value
	return account, account == "" || probe.Printable(account) == account
}

// account finds the name that a user signs in with and compares it with the address
// entered.
func (c azureCheck) account(user azureIdentity, email string) (name, warning string, _ *providers.Error) {
	name, ok := azureAccount(user.Properties)
	if !ok {
		return "", "", c.Fail(providers.UpstreamError, "Azure DevOps tells a name of the account in a form that cannot be read, so it could not be compared with the e-mail address entered")
	}
	if c.oauth {
		return name, "", nil // whoever consented is the account; no address was entered
	}
	warning, err := c.compareEmail(name, email)
	return name, warning, err
}

// compareEmail demands that the account signs in with the address entered. A
// Windows account (DOMAIN\name) and a guest (name#EXT#@…) have no address that
// could be compared.
func (c azureCheck) compareEmail(account, email string) (warning string, _ *providers.Error) {
	switch {
	case account != "" && strings.EqualFold(account, email):
		return "", nil
	case !strings.Contains(account, "@") || strings.ContainsAny(account, `#\`):
		return "Azure DevOps does not show an e-mail address of the account, so the one entered could not be compared", nil
	}
	e := c.Fail(providers.IdentityMismatch, "the personal access token works, but belongs to an account that signs in with another address than the one entered")
	e.Fields = []string{azureEmail}
	return "", e
}
