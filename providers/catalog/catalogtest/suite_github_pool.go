package catalogtest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/github/githubtest"
	"vault-plugin-secrets-sei/providers/providertest"
)

func githubPoolCases() []Case {
	pool := func(tokens ...string) providers.Credential {
		var pairs []string
		for _, t := range tokens {
			pairs = append(pairs, "pat", t)
		}
		return credential(pairs...)
	}
	all := func(w *World) {
		for login, token := range map[string]string{"mia": octoToken, "noah": noahToken} {
			w.GitHub.AddClassic(login, token, "repo", "read:org")
		}
		w.GitHub.AddClassic("mia", spareToken, "repo", "read:org", "gist")
	}
	bad := func(positions ...int) check {
		return func(_ providers.Verified, err *providers.Error) error {
			var got []int
			for _, b := range err.Bad {
				got = append(got, b.Position)
			}
			return equal("Bad", slices.Equal(got, positions), true)
		}
	}
	shown := func(first, second string) func(w *World) {
		return func(w *World) {
			w.GitHub.Add(githubtest.GitHubToken{Token: octoToken, Login: "mia", Email: first, Scopes: []string{"repo", "read:org"}})
			w.GitHub.Add(githubtest.GitHubToken{Token: noahToken, Login: "noah", Email: second, Scopes: []string{"repo", "read:org"}})
		}
	}
	return []Case{
		githubCase("two tokens of two accounts work", "", all, func(v providers.Verified, _ *providers.Error) error {
			return errors.Join(equal("Identity", v.Identity, "mia, noah"), equal("Members", len(v.Members), 2), equal("Warnings", len(v.Warnings), 0),
				equal("AccountID", strings.Count(v.AccountID, ","), 1))
		}).with(pool(octoToken, noahToken)),
		githubCase("two tokens of one account are a warning", "", all, func(v providers.Verified, _ *providers.Error) error {
			return errors.Join(equal("Identity", v.Identity, "mia"), equal("Warnings", len(v.Warnings), 1),
				equal("Scopes", strings.Join(v.Scopes, " "), "read:org repo"))
		}).with(pool(octoToken, spareToken)),
		githubCase("the same token twice is a mistake", providers.InvalidField, all, says("tokens 1 and 3")).with(pool(octoToken, noahToken, octoToken)),
		githubCase("one bad token of three refuses all", providers.Rejected, all, bad(2)).with(pool(octoToken, noToken, noahToken)),
		githubCase("the bad token is told by its position", providers.Rejected, all, says("token 2 of 3")).with(pool(octoToken, noToken, noahToken)),
		githubCase("all bad tokens are told", providers.Rejected, all, bad(1, 3)).with(pool(noToken, octoToken, noToken+"1")),
		githubCase("six tokens are checked", providers.Rejected, all, bad(2, 3, 4, 5, 6)).with(pool(octoToken, noToken+"a", noToken+"b", noToken+"c", noToken+"d", noToken+"e")),
		githubCase("too many tokens and organisations are refused before anything is asked", providers.InvalidField, all, func(_ providers.Verified, err *providers.Error) error {
			return equal("Fields", strings.Join(err.Fields, " "), "pat organizations")
		}).with(pool(many(50)...)).list("organizations", many(20)...),
		githubCase("a limit in a pool is no verdict", providers.RateLimited, func(w *World) {
			limited, _ := providertest.NamedFault("rate_limited", "")
			w.GitHub.Behave(limited)
		}, retryAfter(7*time.Second)).with(pool(many(12)...)),
		githubCase("a bad token leads before one that could not be judged", providers.Rejected, func(w *World) {
			w.GitHub.AddClassic("mia", octoToken)
			// Only the first token comes so far that an organisation is asked for.
			w.GitHub.Behave(providertest.Fault{Path: "/orgs/acme", Status: 502})
		}, both(says("token 2 of 2", "2 tokens failed their check"), bad(1, 2))).with(pool(octoToken, noToken)).list("organizations", orgName),
		githubCase("an e-mail address that is none of all that are shown is a mismatch", providers.IdentityMismatch, shown("noah@example.com", "ada@example.com"), nil).
			with(pool(octoToken, noahToken).With("email", providers.NewSecret(miaEmail))),
		githubCase("an e-mail address may be that of an account that shows none", "", shown("noah@example.com", ""), warns(1)).
			with(pool(octoToken, noahToken).With("email", providers.NewSecret(miaEmail))),
		githubCase("an e-mail address of one account of a pool is enough", "", shown("", miaEmail), warns(0)).
			with(pool(octoToken, noahToken).With("email", providers.NewSecret(miaEmail))),
		githubCase("the first end of a pool's tokens counts", "", func(w *World) {
			w.GitHub.Add(githubtest.GitHubToken{Token: octoToken, Login: "mia", Scopes: []string{"repo"}, Expires: "2027-01-01 00:00:00 UTC"})
			w.GitHub.Add(githubtest.GitHubToken{Token: noahToken, Login: "noah", Scopes: []string{"repo"}, Expires: "2026-12-01 00:00:00 UTC"})
		}, expiry("2026-12-01T00:00:00Z")).with(pool(octoToken, noahToken)),
	}
}

// many are names that differ.
func many(n int) []string {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("a%dname", i))
	}
	return names
}
