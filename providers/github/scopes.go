package github

import (
	"slices"
	"strings"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/probe"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// githubRecommended are the scopes a classic token needs for analytics.
func githubRecommended() []string { return []string{"repo", "read:org"} }

// githubScopes reads the rights of a token. It returns nil where GitHub does not
// tell: fine-grained tokens have no such header, and tokens made through an app
// have an empty one beside the app's id.
// https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps
func githubScopes(res *upstream.Response) []string {
	values, told := res.Header["X-Oauth-Scopes"]
	if !told {
		return nil
	}
	scopes := probe.ScopeNames(probe.Listed(values))
	if len(scopes) == 0 && res.Header.Get("X-Oauth-Client-Id") != "" {
		return nil
	}
	return scopes
}

var (
	_ providers.Coverer = github{}
	_ providers.Coverer = githubActions{}
)

// Covers is the rule of GitHub's scopes.
func (github) Covers(granted []string, want string) bool { return githubCovers(granted, want) }

// Covers is the rule of GitHub's scopes.
func (githubActions) Covers(granted []string, want string) bool { return githubCovers(granted, want) }

// githubCovers reports whether granted has want, itself or inside a scope that
// includes it.
func githubCovers(granted []string, want string) bool {
	if slices.Contains(granted, want) {
		return true
	}
	parent := githubParent(want)
	return parent != "" && githubCovers(granted, parent)
}

// githubParent returns the scope that includes a scope, or "". GitHub lists only
// the parent where a token has both.
// https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps#available-scopes
func githubParent(scope string) string {
	switch scope {
	case "repo:status", "repo_deployment", "public_repo", "repo:invite", "security_events":
		return "repo"
	case "read:user", "user:email", "user:follow":
		return "user"
	case "manage_runners:enterprise", "manage_billing:enterprise", "read:enterprise", "scim:enterprise":
		return "admin:enterprise"
	case "manage_billing:copilot":
		return "copilot"
	case "codespace:secrets":
		return "codespace"
	case "read:audit_log":
		return "audit_log"
	case "read:project":
		return "project"
	}
	kind, noun, _ := strings.Cut(scope, ":")
	switch {
	case kind == "write" && slices.Contains([]string{"org", "repo_hook", "public_key", "gpg_key", "ssh_signing_key"}, noun):
		return "admin:" + noun
	case kind == "read" && slices.Contains([]string{"org", "repo_hook", "public_key", "gpg_key", "ssh_signing_key", "discussion", "packages", "network_configurations"}, noun):
		return "write:" + noun
	}
	return ""
}
