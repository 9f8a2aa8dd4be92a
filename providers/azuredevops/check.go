package azuredevops

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/probe"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

const (
	// azureListed is how many projects are listed, in which those that are not
	// public are looked for.
	azureListed = "25"
	// azureTried is how many projects are tried at most.
	azureTried = 3
)

// azureService is what an integration reads.
type azureService struct {
	name  string
	scope string
	// path is asked below the organisation, or below a project.
	path      string
	inProject bool
}

// azureServices lists the services. Each request is one of those that its scope
// is documented for, and its answer is short.
//
//   - https://learn.microsoft.com/en-us/rest/api/azure/devops/wit/work-item-relation-types/list?view=azure-devops-rest-7.1
//   - https://learn.microsoft.com/en-us/rest/api/azure/devops/git/pull-requests/get-pull-requests-by-project?view=azure-devops-rest-7.1
//   - https://learn.microsoft.com/en-us/rest/api/azure/devops/build/definitions/list?view=azure-devops-rest-7.1
func azureServices() []azureService {
	return []azureService{
		{name: "boards", scope: "vso.work", path: "/_apis/wit/workitemrelationtypes"},
		{name: "repos", scope: "vso.code", path: "/_apis/git/pullrequests?$top=1", inProject: true},
		{name: "pipelines", scope: "vso.build", path: "/_apis/build/definitions?$top=1", inProject: true},
	}
}

// azureCheck is one check of one credential.
type azureCheck struct {
	probe.Probe
	root         azureRoot
	organization string
	service      azureService
	oauth        bool   // an access token, with which nobody entered an e-mail address
	token        string // what the credential is called
	header       http.Header
	version      *azureVersion
}

func (c azureCheck) run(ctx context.Context, email string) (providers.Verified, *providers.Error) {
	user, err := c.identity(ctx)
	if err != nil {
		return providers.Verified{}, err
	}
	account, warning, err := c.account(user, email)
	if err != nil {
		return providers.Verified{}, err
	}
	projects, err := c.projects(ctx)
	if err != nil {
		return providers.Verified{}, err
	}
	public, err := c.serves(ctx, projects)
	if err != nil {
		return providers.Verified{}, err
	}
	v := providers.Verified{
		Identity:   cmp.Or(account, probe.Printable(user.CustomDisplayName), probe.Printable(user.ProviderDisplayName), strings.ToLower(user.ID)),
		AccountID:  strings.ToLower(user.ID),
		URL:        c.root.api, // with the organisation, without which nobody can ask anything
		APIVersion: c.version.found(),
	}
	if warning != "" {
		v.Warnings = append(v.Warnings, warning)
	}
	if public {
		v.Warnings = append(v.Warnings, "only public projects of the organisation "+c.organization+" answered, which anybody may read, "+
			"so it was not proved that the account belongs to it and that the token may read its "+c.service.name)
	}
	return v, nil
}

// azureProject is a project that the account sees. Its visibility is private, public or
// organization, which is to those of the organisation; older answers do not tell it.
type azureProject struct {
	ID         string `json:"id"`
	Visibility string `json:"visibility"`
}

func (p azureProject) public() bool { return strings.EqualFold(p.Visibility, "public") }

// projects demands that the account sees the organisation from within and returns
// some of its projects, those that are not public first.
// https://learn.microsoft.com/en-us/rest/api/azure/devops/core/projects/list?view=azure-devops-rest-7.1
func (c azureCheck) projects(ctx context.Context) ([]azureProject, *providers.Error) {
	res, err := c.ask(ctx, c.root.api+"/_apis/projects?$top="+azureListed, "")
	if err != nil {
		return nil, err
	}
	if err := c.judgeRight(res, "vso.project"); err != nil {
		return nil, err
	}
	list, err := c.list(res)
	if err != nil {
		return nil, err
	}
	var closed, public []azureProject
	for _, raw := range list {
		var p azureProject
		switch {
		case json.Unmarshal(raw, &p) != nil || !isGUID(p.ID):
		case p.public():
			public = append(public, p)
		default:
			closed = append(closed, p)
		}
	}
	projects := append(closed, public...)
	switch {
	case len(list) == 0:
		e := c.Fail(providers.InsufficientScope, "the %s works, but its account sees no project in the organisation %s; add it to those that are to be read", c.token, c.organization)
		e.Missing = []string{c.organization}
		return nil, e
	case len(projects) == 0:
		return nil, c.Fail(providers.UpstreamError, "%q listed projects without ids", res.Host)
	}
	return projects, nil
}

// serves demands that the credential may read the service. A project may have it
// switched off, or be closed to the account, so several are tried. public says that
// anybody would have been answered.
func (c azureCheck) serves(ctx context.Context, projects []azureProject) (public bool, _ *providers.Error) {
	if !c.service.inProject {
		_, err := c.servesAt(ctx, c.root.api)
		return projects[0].public(), err
	}
	var refusal *providers.Error
	for _, p := range projects[:min(len(projects), azureTried)] {
		closed, err := c.servesAt(ctx, c.root.api+"/"+p.ID)
		if err == nil || !closed {
			return p.public(), err
		}
		refusal = err
	}
	return false, refusal
}

// servesAt asks for one item of the service. closed says that another project may
// answer otherwise.
func (c azureCheck) servesAt(ctx context.Context, root string) (closed bool, _ *providers.Error) {
	res, err := c.ask(ctx, root+c.service.path, "")
	if err != nil {
		return false, err
	}
	if err := c.judgeRight(res, c.service.scope); err != nil {
		return res.Status == http.StatusForbidden || res.Status == http.StatusNotFound, err
	}
	_, err = c.list(res)
	return false, err
}

// list reads the answer to a question for a list.
func (c azureCheck) list(res *upstream.Response) ([]json.RawMessage, *providers.Error) {
	var body struct {
		Value *[]json.RawMessage `json:"value"`
	}
	if err := c.JSON(res, &body); err != nil {
		return nil, err
	}
	if body.Value == nil {
		return nil, c.Fail(providers.UpstreamError, "%q answered HTTP 200 without a list; check url", res.Host)
	}
	return *body.Value, nil
}
