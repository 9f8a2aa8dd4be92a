package jira

import (
	"context"
	"net/http"

	"vault-plugin-secrets-sei/providers"
)

// projects looks whether there is anything to read and returns a warning if
// surely not. No answer to it fails the check, but one in which Jira says that the
// login failed: anybody may search, so that it answers a bad credential with 200.
func (c jiraCheck) projects(ctx context.Context, root string) (warning string, err *providers.Error) {
	if c.site.api == "/rest/api/3" {
		return c.cloudProjects(ctx, root)
	}
	return c.serverProjects(ctx, root)
}

// cloudProjects: https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-projects/#api-rest-api-3-project-search-get
func (c jiraCheck) cloudProjects(ctx context.Context, root string) (warning string, err *providers.Error) {
	res, err := c.Get(ctx, root+"/rest/api/3/project/search?maxResults=1", c.header)
	switch {
	case err != nil:
		return "", nil //nolint:nilerr // it decides nothing
	case loginFailed(res):
		return "", c.RefusedLater(res)
	case jiraRefusesAddress(res):
		return c.AddressNotListed("the list of projects of Jira").Detail, nil
	case scopeMismatch(res) || res.Status == http.StatusForbidden && saysErrorMessages(res):
		return "the token cannot read projects; it lacks the scope read:jira-work", nil
	}
	var page struct {
		Values *[]struct{} `json:"values"`
	}
	if res.Status == http.StatusOK && res.JSON(&page) == nil && page.Values != nil && len(*page.Values) == 0 {
		return noProjects, nil
	}
	return "", nil
}

const noProjects = "the account sees no project; give it the permission to browse those that are to be read"

// serverProjects asks for one permission, which is true if the account has it in
// any project; the list of projects cannot be cut short on Data Center.
// https://docs.atlassian.com/software/jira/docs/api/REST/9.17.0/#api/2/mypermissions
func (c jiraCheck) serverProjects(ctx context.Context, root string) (warning string, err *providers.Error) {
	res, err := c.Get(ctx, root+"/rest/api/2/mypermissions?permissions=BROWSE_PROJECTS", c.header)
	switch {
	case err != nil:
		return "", nil //nolint:nilerr // it decides nothing
	case loginFailed(res):
		return "", c.RefusedLater(res)
	case res.Status != http.StatusOK:
		return "", nil
	}
	var answer struct {
		Permissions map[string]struct {
			HavePermission *bool `json:"havePermission"`
		} `json:"permissions"`
	}
	if res.JSON(&answer) == nil {
		if have := answer.Permissions["BROWSE_PROJECTS"].HavePermission; have != nil && !*have {
			return noProjects, nil
		}
	}
	return "", nil
}
