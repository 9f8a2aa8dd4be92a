package githubtest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"vault-plugin-secrets-sei/providers/providertest"
)

// sees reports whether a token sees a repository. What single sign-on keeps from it,
// it does not see.
func (o GitHubOrganization) sees(t GitHubToken, r GitHubRepository) bool {
	classic := !t.FineGrained && !t.Installation
	return !r.Private || o.has(t) && (!classic || slices.Contains(t.Scopes, "repo") && (o.SSO == "" || o.authorized(t)))
}

// orgRepos: docs.github.com/en/rest/repos/repos#list-organization-repositories, documented.
func (g *GitHub) orgRepos(w http.ResponseWriter, r *http.Request) {
	t, ok := g.enter(w, r, "admin:org, read:org, repo, user, write:org")
	if !ok {
		return
	}
	o, known := g.organization(r)
	if !known {
		refuse(w, http.StatusNotFound, "Not Found", "https://docs.github.com/rest/repos/repos#list-organization-repositories")
		return
	}
	most, err := strconv.Atoi(r.URL.Query().Get("per_page"))
	if err != nil || most < 1 {
		most = 30
	}
	kind, list := r.URL.Query().Get("type"), []any{}
	for _, repo := range o.Repositories {
		wanted := kind == "" || kind == "all" || kind == "private" && repo.Private || kind == "public" && !repo.Private
		if wanted && o.sees(t, repo) && len(list) < most {
			list = append(list, providertest.Object{"name": repo.Name, "full_name": o.Login + "/" + repo.Name, "private": repo.Private, "owner": providertest.Object{"login": o.Login}})
		}
	}
	providertest.WriteJSON(w, http.StatusOK, list)
}

func (g *GitHub) organization(r *http.Request) (GitHubOrganization, bool) {
	g.Mu.Lock()
	defer g.Mu.Unlock()
	o, known := g.orgs[strings.ToLower(r.PathValue("org"))]
	return o, known
}

// actionsRuns: hub4j/github-api GHWorkflowRunTest testApproval, recorded; refusals of
// fine-grained tokens: notes of a public client project (403) and cli/cli issue 13350
// (404). Anybody may read the runs of a public repository.
func (g *GitHub) actionsRuns(w http.ResponseWriter, r *http.Request) {
	const documentation = "https://docs.github.com/rest/actions/workflow-runs#list-workflow-runs-for-a-repository"
	t, ok := g.enter(w, r, "")
	if !ok {
		return
	}
	o, _ := g.organization(r)
	i := slices.IndexFunc(o.Repositories, func(repo GitHubRepository) bool { return strings.EqualFold(repo.Name, r.PathValue("repo")) })
	switch {
	case i < 0 || !o.sees(t, o.Repositories[i]), t.NoActions == "hidden" && o.Repositories[i].Private:
		refuse(w, http.StatusNotFound, "Not Found", documentation)
	case t.NoActions != "" && o.Repositories[i].Private:
		w.Header().Set("x-accepted-github-permissions", "actions=read")
		refuse(w, http.StatusForbidden, "Resource not accessible by personal access token", documentation)
	default:
		runs := []any{}
		if o.Repositories[i].Runs > 0 {
			runs = append(runs, providertest.Object{"id": 2874767916, "name": "Build", "run_number": 21, "event": "push", "status": "completed", "conclusion": "success"})
		}
		providertest.WriteJSON(w, http.StatusOK, providertest.Object{"total_count": o.Repositories[i].Runs, "workflow_runs": runs})
	}
}
