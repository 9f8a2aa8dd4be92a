package providers

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// kindred are the beginnings of secrets that are something else than what a provider
// takes. They are hints, and refuse nothing: a server may have beginnings of its own.
//
// https://docs.gitlab.com/security/tokens/#token-prefixes
// https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github#githubs-token-formats
func kindred() []kin {
	atlassian, github := []string{"jira", "bitbucket"}, []string{"github", "github_actions"}
	return []kin{
		{"glpat-", "an access token of GitLab", []string{"gitlab"}},
		{"gloas-", "the secret of an OAuth application of GitLab", nil},
		{"gldt-", "a deploy token of GitLab, which cannot use its API", nil},
		{"glcbt-", "the token of a job of GitLab CI, which ends with the job", nil},
		{"glft-", "a feed token of GitLab", nil},
		{"glrt-", "the token of a GitLab runner", nil},
		{"glrtr-", "the token that registers a GitLab runner", nil},
		{"GR1348941", "the token that registers a GitLab runner", nil},
		{"glptt-", "a pipeline trigger token of GitLab", nil},
		{"glimt-", "GitLab's token for incoming mail", nil},
		{"glagent-", "the token of a GitLab agent for Kubernetes", nil},
		{"glsoat-", "GitLab's token for SCIM", nil},
		{"glffct-", "GitLab's token for clients of feature flags", nil},
		{"ATATT", "an API token of an Atlassian account", atlassian},
		{"ATCTT3", "an access token of a repository, project or workspace of Bitbucket, or the key of an Atlassian organization's administrator, and belongs to no e-mail address", []string{"bitbucket"}}, // said there
		{"ATBB", "an app password of Bitbucket, which Atlassian removed", []string{"bitbucket"}},                                                                                                           // refused there
		{"ghp_", "a personal access token of GitHub", github},
		{"github_pat_", "a personal access token of GitHub", github},
		{"gho_", "an OAuth access token of GitHub", github},
		{"ghu_", "a token that a GitHub App has for a user, which ends after hours", github},
		{"ghs_", "a token of a GitHub App's installation, which ends after an hour", nil},
		{"ghr_", "a refresh token of a GitHub App", nil},
		{"squ_", "a user token of SonarQube", []string{"sonarqube"}},
		{"sqa_", "an analysis token of SonarQube", []string{"sonarqube"}},
		{"sqp_", "an analysis token of SonarQube", []string{"sonarqube"}},
	}
}

// kin is one of kindred.
type kin struct {
	begins, is string
	// takes are the providers to which it is no hint.
	takes []string
}

// Recognized adds to the refusal of a credential what it is, where its beginning tells
// that it is not of the kind that the provider takes. Of a pool it looks at the tokens
// that were refused.
func Recognized(provider string, cred Credential, err error) error {
	var refusal *Error
	if !errors.As(err, &refusal) || refusal.Outcome != Rejected {
		return err
	}
	hint := hintOf(provider, cred, refusal.Bad)
	if hint == "" {
		return err
	}
	told := *refusal
	told.Detail += "; " + hint
	return &told
}

func hintOf(provider string, cred Credential, bad []BadMember) string {
	for _, field := range cred.Fields() {
		values := cred.Values(field)
		for i, value := range values {
			refused := len(values) == 1 || slices.ContainsFunc(bad, func(b BadMember) bool { return b.Position == i+1 && b.Outcome == Rejected })
			if k := kinOf(provider, value); refused && k.is != "" {
				return fmt.Sprintf("what begins with %s is %s", k.begins, k.is)
			}
		}
	}
	return ""
}

func kinOf(provider string, secret Secret) kin {
	for _, k := range kindred() {
		if strings.HasPrefix(secret.Reveal(), k.begins) && !slices.Contains(k.takes, provider) {
			return k
		}
	}
	return kin{}
}
