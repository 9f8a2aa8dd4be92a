package githubtest

import (
	"net/http"

	"vault-plugin-secrets-sei/providers/providertest"
)

// GitHubActionsAnswers are answers that a check of GitHub Actions can meet beside
// GitHubAnswers, by name.
func GitHubActionsAnswers() map[string]providertest.Answer {
	return map[string]providertest.Answer{
		"runs_success": {
			Source: "recorded: hub4j/github-api GHWorkflowRunTest testApproval",
			Status: http.StatusOK,
			Header: map[string]string{
				"X-OAuth-Scopes":          "admin:gpg_key, admin:org, admin:org_hook, admin:public_key, admin:repo_hook, gist, notifications, repo, user, workflow, write:discussion",
				"X-Accepted-OAuth-Scopes": "", "X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "4950", "X-RateLimit-Reset": "1660739435",
			},
			Body: `{"total_count":4,"workflow_runs":[{"id":2874767916,"name":"Slow workflow","head_branch":"main","run_number":21,"event":"pull_request",
				"status":"completed","conclusion":"action_required","workflow_id":6820849,"created_at":"2022-08-17T10:55:36Z","run_attempt":1}]}`,
		},
		"workflow_success_classic_pat": {
			Source: "recorded: PyGithub tests/ReplayData/Workflow.testCreateDispatchException.txt; the answer of another path, without a count",
			Status: http.StatusOK,
			Header: map[string]string{"X-OAuth-Scopes": "repo, workflow", "X-Accepted-OAuth-Scopes": "", "github-authentication-token-expiration": "2024-05-13 19:47:28 UTC"},
			Body:   `{"id":96985305,"node_id":"W_kwDOLu-pm84Fx-DZ","name":"Release","path":".github/workflows/workflow-with-params.yaml","state":"active"}`,
		},
		"artifact_not_found": {
			Source: "recorded: PyGithub tests/ReplayData/Artifact.testGetNonexistentArtifact.txt",
			Status: http.StatusNotFound,
			Header: map[string]string{"X-OAuth-Scopes": "delete:packages, gist, read:discussion, read:org, repo, workflow, write:packages", "X-RateLimit-Remaining": "4681"},
			Body:   `{"message":"Not Found","documentation_url":"https://docs.github.com/rest/reference/actions#get-an-artifact"}`,
		},
		"runs_missing_actions_read": {
			Source: "recorded: notes of a public client project, 2026",
			Status: http.StatusForbidden,
			Header: map[string]string{"x-accepted-github-permissions": "actions=read"},
			Body:   `{"message":"Resource not accessible by personal access token"}`,
		},
		"resource_not_accessible_by_integration": {
			Source: "recorded: jgehrcke/github-repo-stats issue 58",
			Status: http.StatusForbidden,
			Body:   `{"message":"Resource not accessible by integration","documentation_url":"https://docs.github.com/rest/reference/repos#get-top-referral-sources"}`,
		},
	}
}
