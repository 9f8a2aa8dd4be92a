package github

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/probe"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// githubAnonymous is the quota of an address, for requests without a token.
const githubAnonymous = 60

// githubResources are what GitHub counts apart.
// https://docs.github.com/en/rest/rate-limit/rate-limit#get-rate-limit-status-for-the-authenticated-user
func githubResources() []string {
	return []string{
		"core", "search", "code_search", "graphql", "integration_manifest", "source_import", "code_scanning_upload", "code_scanning_autofix",
		"actions_runner_registration", "scim", "dependency_snapshots", "dependency_sbom", "audit_log", "audit_log_streaming",
	}
}

// githubQuotas is what the answers to the questions about one token told, by resource.
type githubQuotas map[string]providers.Quota

// note reads the headers that come with every answer. Those of a 401, and of an answer to
// a request without a token, are not of the account.
// https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#checking-the-status-of-your-rate-limit
func (q githubQuotas) note(res *upstream.Response) {
	remaining, err := strconv.ParseInt(strings.TrimSpace(res.Header.Get("X-RateLimit-Remaining")), 10, 64)
	limit, _ := strconv.ParseInt(strings.TrimSpace(res.Header.Get("X-RateLimit-Limit")), 10, 64)
	resource := cmp.Or(strings.TrimSpace(res.Header.Get("X-RateLimit-Resource")), "core")
	if q == nil || err != nil || remaining < 0 || limit == githubAnonymous || res.Status == http.StatusUnauthorized || !slices.Contains(githubResources(), resource) {
		return
	}
	told := providers.Quota{Resource: resource, Remaining: remaining}
	now := time.Now()
	if wait, ok := probe.ParseReset(res.Header.Get("X-RateLimit-Reset"), now); ok {
		told.ResetAt = now.Add(wait).Truncate(time.Second)
	}
	q[resource] = told
}

// list is what is known, in the order of the resources.
func (q githubQuotas) list() []providers.Quota {
	var all []providers.Quota
	for _, resource := range githubResources() {
		if told, ok := q[resource]; ok {
			all = append(all, told)
		}
	}
	return all
}
