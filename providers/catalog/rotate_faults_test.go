package catalog_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/catalog/catalogtest"
	"vault-plugin-secrets-sei/providers/gitlab/gitlabtest"
	"vault-plugin-secrets-sei/providers/harness/harnesstest"
	"vault-plugin-secrets-sei/providers/providertest"
	"vault-plugin-secrets-sei/providers/sonarqube/sonarqubetest"
)

// refusedRotation is a state of the upstream and how Prepare or Rotate must fail.
type refusedRotation struct {
	name, of string
	arrange  func(w *catalogtest.World)
	// between comes after Prepare; where nil, Prepare must fail.
	between func(w *catalogtest.World)
	want    providers.Outcome
	missing string
	says    string
}

func refusedRotations() []refusedRotation {
	gitlab := func(token gitlabtest.GitLabToken) func(w *catalogtest.World) {
		token.Token, token.Username = gitlabToken, "mia"
		return func(w *catalogtest.World) { w.GitLab.Add(token) }
	}
	rules := func(of func(w *catalogtest.World) renewable, rules providertest.RenewalRules) func(w *catalogtest.World) {
		return func(w *catalogtest.World) { of(w).SetRules(rules) }
	}
	refusing := func(code string) func(w *catalogtest.World) {
		return func(w *catalogtest.World) {
			w.Harness.Add(harnesstest.HarnessToken{Token: harnessToken, Email: email, Refusal: code})
		}
	}
	all := rotatedOnes()
	legacy := []string{"api"}
	known, harness, sonar := all["GitLab"], all["Harness"], all["SonarQube"]
	return []refusedRotation{
		{"a token without the scope", "GitLab", gitlab(gitlabtest.GitLabToken{Scopes: []string{"read_api"}}), nil, providers.InsufficientScope, "self_rotate", "self_rotate"},
		{
			"a fine-grained token without the permission", "GitLab", gitlab(gitlabtest.GitLabToken{FineGrained: true, Permissions: []string{"read_personal_access_token"}}), nil,
			providers.InsufficientScope, "rotate_personal_access_token", "rotate_personal_access_token",
		},
		{"a token that has been revoked", "GitLab", gitlab(gitlabtest.GitLabToken{Scopes: legacy, Is: "revoked"}), nil, providers.Rejected, "", "revoked"},
		{"an OAuth token", "GitLab", gitlab(gitlabtest.GitLabToken{Scopes: legacy, Is: "oauth"}), nil, providers.InvalidField, "", "OAuth"},
		{"a blocked account", "GitLab", gitlab(gitlabtest.GitLabToken{Scopes: legacy, Is: "blocked"}), nil, providers.AccountBlocked, "", "blocked"},
		{"an account blocked meanwhile", "GitLab", known.arrange, gitlab(gitlabtest.GitLabToken{Scopes: legacy, Is: "blocked"}), providers.AccountBlocked, "", "blocked"},
		{"a token that expired meanwhile", "GitLab", known.arrange, gitlab(gitlabtest.GitLabToken{Scopes: legacy, Is: "expired"}), providers.Rejected, "", "expired"},
		{"a kind that cannot", "GitLab", known.arrange, gitlab(gitlabtest.GitLabToken{Is: "oauth"}), providers.InvalidField, "", "405"},
		{"scopes that were taken away", "GitLab", known.arrange, gitlab(gitlabtest.GitLabToken{Scopes: []string{"read_api"}}), providers.InsufficientScope, "self_rotate", "self_rotate"},
		{"legacy tokens disabled", "GitLab", known.arrange, rules(known.fake, providertest.RenewalRules{NoLegacy: true}), providers.InsufficientScope, "", "fine-grained"},
		{"a life that is too long", "GitLab", known.arrange, rules(known.fake, providertest.RenewalRules{MaxDays: 30}), providers.InsufficientScope, "", "shorter"},
		{"a key that nobody knows", "Harness", func(*catalogtest.World) {}, nil, providers.Rejected, "", "refused"},
		{"an address that is not listed", "Harness", refusing("NOT_WHITELISTED_IP"), nil, providers.InsufficientScope, harnesstest.DefaultHarnessAccount, "list the address"},
		{"an address that is not listed meanwhile", "Harness", harness.arrange, refusing("NOT_WHITELISTED_IP"), providers.InsufficientScope, harnesstest.DefaultHarnessAccount, "list the address"},
		{"an owner disabled meanwhile", "Harness", harness.arrange, refusing("USER_DISABLED"), providers.AccountBlocked, "", "disabled"},
		{"a key revoked meanwhile", "Harness", harness.arrange, refusing("REVOKED_TOKEN"), providers.Rejected, "", "revoked"},
		{"a policy", "Harness", harness.arrange, rules(harness.fake, providertest.RenewalRules{Deny: true}), providers.InsufficientScope, "", "policy"},
		{"a service account without the right", "a service account of Harness", all["a service account of Harness"].arrange, func(w *catalogtest.World) {
			w.Harness.Add(harnesstest.HarnessToken{Token: harnessSAT, Email: "bot@service.harness.io", ServiceAccount: true, Org: "acme", Project: "web", Identifier: "robot", Unmanaged: true})
		}, providers.InsufficientScope, "", "manage service accounts"},
		{"a token of another user", "SonarQube", func(w *catalogtest.World) { w.SonarQube.AddToken("noah", sonarToken) }, nil, providers.IdentityMismatch, "", "another user"},
		{"a token revoked meanwhile", "SonarQube", sonar.arrange, func(w *catalogtest.World) { w.SonarQube.Revoke(sonarToken) }, providers.Rejected, "", "refused"},
		{"an end that is demanded", "SonarQube", sonar.arrange, rules(sonar.fake, providertest.RenewalRules{MaxDays: 30}), providers.InsufficientScope, "", "shorter"},
	}
}

func TestRotationRefused(t *testing.T) {
	for _, c := range refusedRotations() {
		t.Run(c.of+": "+c.name, func(t *testing.T) {
			t.Parallel()
			one := rotatedOnes()[c.of]
			one.arrange = c.arrange
			r := rotating(t, one)
			prepared, err := r.by.Prepare(t.Context(), r.target, r.cred, wishing(providers.RotationWish{}))
			asked := 0
			if c.between != nil {
				require.NoError(t, err)
				c.between(r.world)
				_, err = r.by.Rotate(t.Context(), r.target, r.cred, prepared)
				asked = 1
			}
			require.Error(t, err)
			failure := asError(t, err)
			assert.Equal(t, c.want, failure.Outcome, failure.Detail)
			assert.Contains(t, failure.Detail, c.says)
			assert.Equal(t, c.missing, strings.Join(failure.Missing, " "))
			wellFormed(t, failure)
			keepsSecrets(t, r.cred, providers.Verified{}, err)
			assert.Equal(t, asked, r.asked())
			assert.Zero(t, r.made.Renewals().Made)
			assert.Zero(t, r.made.Renewals().FamiliesRevoked)
		})
	}
}

func TestRotationAnswers(t *testing.T) {
	wants := map[string]map[string]providers.Outcome{
		"GitLab": {
			"token_self_rotate_success": providers.UpstreamError, // of another account
			"legacy_disabled":           providers.InsufficientScope, "already_revoked": providers.InsufficientScope,
			"expires_at_refused": providers.InsufficientScope, "expires_at_invalid": providers.InsufficientScope,
			"not_allowed": providers.InvalidField, "not_found": providers.UpstreamError,
		},
		"Harness": {
			"token_rotate_success_shape": providers.UpstreamError, // no token
			"policy_denied":              providers.InsufficientScope, "token_limit": providers.UpstreamError, "access_denied": providers.InsufficientScope,
		},
		"SonarQube": {
			"user_tokens_generate_success":       providers.UpstreamError, // of another user
			"user_tokens_generate_duplicate_400": providers.UpstreamError,
			"expiration_too_soon":                providers.InsufficientScope, "name_too_long": providers.InsufficientScope,
		},
	}
	for name, answers := range wants {
		one := rotatedOnes()[name]
		known := catalogtest.RotationAnswers()[one.provider]
		require.Len(t, answers, len(known), "every answer that is kept has a case")
		for answer, want := range answers {
			t.Run(name+" "+answer, func(t *testing.T) {
				t.Parallel()
				require.Contains(t, known, answer)
				r := rotating(t, one)
				prepared := r.prepare(providers.RotationWish{})
				r.made.Behave(known[answer].At(r.changes))
				_, err := r.by.Rotate(t.Context(), r.target, r.cred, prepared)
				failure := asError(t, err)
				require.Error(t, err)
				assert.Equal(t, want, failure.Outcome, failure.Detail)
				wellFormed(t, failure)
				assert.Equal(t, 1, r.asked())
			})
		}
	}
}

// TestSuccessorsAreJudged demands what is documented of a 200.
func TestSuccessorsAreJudged(t *testing.T) {
	account := harnesstest.DefaultHarnessAccount
	for name, bodies := range map[string][]string{
		"GitLab": {
			`{"id":5,"user_id":%d,"active":true,"revoked":false}`, `{"id":5,"user_id":%d,"active":true,"token":""}`, `{"id":5,"user_id":%d,"active":true,"token":"` + gitlabToken + `"}`,
			`{"id":5,"user_id":%d,"active":true,"token":"a b"}`, `{"id":5,"user_id":%d,"active":false,"token":"new"}`, `{"id":5,"user_id":%d,"token":"new"}`,
			`{"id":5,"user_id":%d,"active":true,"revoked":true,"token":"new"}`, `{"active":true,"token":"new"}`, `{"user_id":7,"active":true,"token":"new"}`, `{"token":7}`, `[]`,
		},
		"Harness": {
			`{"status":"SUCCESS","data":null}`, `{"status":"SUCCESS","data":""}`, `{"status":"SUCCESS","data":{"token":"x"}}`, `{"status":"SUCCESS"}`, `{"status":"ERROR","data":"x"}`, `{}`,
			`{"status":"SUCCESS","data":"` + harnessToken + `"}`, `{"status":"SUCCESS","data":"pat.another.0123456789abcdef01234567.secret"}`,
			`{"status":"SUCCESS","data":"sat.` + account + `.0123456789abcdef01234567.secret"}`, `{"status":"SUCCESS","data":"pat.` + account + `.secret"}`,
			`{"status":"SUCCESS","data":"pat.` + account + `.id.sec ret"}`, `{"data":"pat.` + account + `.id.secret"}`, `[]`,
		},
		"SonarQube": {
			`{"login":"mia","name":"%s"}`, `{"login":"mia","name":"%s","token":""}`, `{"login":"noah","name":"%s","token":"squ_new"}`, `{"login":"mia","name":"other","token":"squ_new"}`,
			`{"login":"mia","name":"%s","token":"sqa_new","type":"USER_TOKEN"}`, `{"login":"mia","name":"%s","token":"squ_new","type":"GLOBAL_ANALYSIS_TOKEN"}`,
			`{"login":"mia","name":"%s","token":"` + sonarToken + `"}`, `{"name":"%s","token":"squ_new"}`, `[]`,
		},
	} {
		for i, body := range bodies {
			t.Run(fmt.Sprintf("%s %d", name, i), func(t *testing.T) {
				t.Parallel()
				r := rotating(t, rotatedOnes()[name])
				prepared := r.prepare(providers.RotationWish{})
				switch {
				case strings.Contains(body, "%d"):
					id, err := strconv.Atoi(prepared["user_id"])
					require.NoError(t, err)
					body = fmt.Sprintf(body, id)
				case strings.Contains(body, "%s"):
					body = fmt.Sprintf(body, prepared["name"])
				}
				r.made.Behave(providertest.Fault{Path: r.changes, Status: http.StatusOK, Body: body})
				made, err := r.by.Rotate(t.Context(), r.target, r.cred, prepared)
				require.Error(t, err, body)
				assert.Equal(t, providers.UpstreamError, asError(t, err).Outcome)
				assert.Zero(t, made)
				assert.Equal(t, 1, r.asked())
			})
		}
	}
}

// TestRotationFaults breaks the request that makes the successor in every known way. It
// is sent once, and only what says so tells that nothing was changed.
func TestRotationFaults(t *testing.T) {
	wants := catalogtest.FaultOutcomes()
	wants["late"] = providers.Unreachable
	for name, one := range rotatedOnes() {
		for _, fault := range providertest.FaultNames() {
			if fault == "none" {
				continue
			}
			t.Run(name+" "+fault, func(t *testing.T) {
				t.Parallel()
				r := rotating(t, one)
				prepared := r.prepare(providers.RotationWish{})
				f, _ := providertest.NamedFault(fault, catalogtest.ElsewhereURL)
				f.Path = r.changes
				r.made.Behave(f)
				target, want := r.target, wants[fault]
				switch {
				case one.provider == "sonarqube" && fault == "unauthorized_empty":
					want = providers.Rejected
				case want == "":
					want = providers.UpstreamError
				}
				if want == providers.Unreachable {
					target.Timeout = 400 * time.Millisecond
				}
				made, err := r.by.Rotate(t.Context(), target, r.cred, prepared)
				require.Error(t, err)
				failure := asError(t, err)
				assert.Equal(t, want, failure.Outcome, failure.Detail)
				wellFormed(t, failure)
				keepsSecrets(t, r.cred, providers.Verified{}, err)
				assert.Zero(t, made)
				assert.Equal(t, 1, r.asked(), "never twice")
				r.made.Behave(providertest.Fault{})
				lives, err := r.by.Recover(t.Context(), r.target, r.cred, prepared)
				require.NoError(t, err)
				assert.Equal(t, one.overlaps || fault != "late", lives)
				assert.Zero(t, r.made.Renewals().FamiliesRevoked)
				assert.Equal(t, 1, r.asked(), "nor by looking what became of it")
				assert.NotContains(t, strings.Join(r.world.Dialled(), " "), "elsewhere")
			})
		}
	}
}

// TestRotationQuotesNobody answers every status to each of its requests.
func TestRotationQuotesNobody(t *testing.T) {
	for name, paths := range map[string][]string{
		"GitLab": {"/self", "/rotate"}, "Harness": {"/token/validate", "/token"}, "SonarQube": {"/users/current", "/search", "/generate", "/revoke"},
	} {
		for _, path := range paths {
			for _, status := range []int{200, 201, 204, 302, 400, 401, 403, 404, 405, 409, 429, 500} {
				for _, kind := range []string{"application/json", "text/html"} {
					t.Run(fmt.Sprintf("%s %s %d %s", name, path, status, kind), func(t *testing.T) {
						t.Parallel()
						one := rotatedOnes()[name]
						if name == "SonarQube" {
							one.arrange = func(w *catalogtest.World) {
								w.SonarQube.Add(sonarqubetest.SonarQubeToken{Login: "mia", Token: sonarToken, Expires: "2096-12-31T15:44:27+0200"})
							}
						}
						r := rotating(t, one)
						fault := hostile(status, kind)
						fault.Path = path
						prepared := r.prepare(providers.RotationWish{Made: providers.Rotation{"name": "vault-sei-0123456789abcdef"}})
						r.made.Behave(fault)
						_, first := r.by.Prepare(t.Context(), r.target, r.cred, wishing(providers.RotationWish{}))
						_, second := r.by.Rotate(t.Context(), r.target, r.cred, prepared)
						third := r.by.Finish(t.Context(), r.target, r.cred, prepared)
						_, fourth := r.by.Recover(t.Context(), r.target, r.cred, prepared)
						for _, err := range []error{first, second, third, fourth} {
							if err != nil {
								wellFormed(t, asError(t, err))
								keepsSecrets(t, r.cred, providers.Verified{}, err)
								assert.NotContains(t, fmt.Sprintf("%+v %#v", *asError(t, err), *asError(t, err)), canary)
							}
						}
					})
				}
			}
		}
	}
}

// TestRecover loses answers and looks what became of the rotation.
func TestRecover(t *testing.T) {
	for name, one := range rotatedOnes() {
		t.Run(name+": not carried out", func(t *testing.T) {
			t.Parallel()
			r := rotating(t, one)
			prepared := r.prepare(providers.RotationWish{})
			lives, err := r.by.Recover(t.Context(), r.target, r.cred, prepared)
			require.NoError(t, err)
			assert.True(t, lives)
			assert.Zero(t, r.asked())
			assert.Len(t, r.made.Living(r.account), 1)
		})
		t.Run(name+": carried out and lost", func(t *testing.T) {
			t.Parallel()
			r := rotating(t, one)
			prepared := r.prepare(providers.RotationWish{})
			r.lose(prepared)
			for range 2 {
				lives, err := r.by.Recover(t.Context(), r.target, r.cred, prepared)
				require.NoError(t, err)
				assert.Equal(t, one.overlaps, lives)
			}
			assert.Equal(t, 1, r.asked())
			assert.Zero(t, r.made.Renewals().FamiliesRevoked)
			if one.provider == "sonarqube" {
				assert.Equal(t, []string{sonarToken}, r.made.Living(r.account), "nobody has the other, and it is gone")
			}
		})
		t.Run(name+": the upstream is away", func(t *testing.T) {
			t.Parallel()
			r := rotating(t, one)
			prepared := r.prepare(providers.RotationWish{})
			fault, _ := providertest.NamedFault("unavailable", "")
			r.made.Behave(fault)
			_, err := r.by.Recover(t.Context(), r.target, r.cred, prepared)
			assert.Equal(t, providers.UpstreamError, asError(t, err).Outcome)
		})
	}
}

// TestUnprepared sends nothing that Prepare did not choose.
func TestUnprepared(t *testing.T) {
	for name, one := range rotatedOnes() {
		t.Run(name, func(t *testing.T) {
			r := rotating(t, one)
			for _, prepared := range []providers.Rotation{nil, {"expires_at": "soon", "name": "dashboard", "identifier": "token"}} {
				_, err := r.by.Rotate(t.Context(), r.target, r.cred, prepared)
				assert.Equal(t, providers.InvalidField, asError(t, err).Outcome)
			}
			assert.Empty(t, r.made.Requests())
			r.target.URL = "nowhere"
			_, err := r.by.Prepare(t.Context(), r.target, r.cred, wishing(providers.RotationWish{}))
			require.Error(t, err)
			_, err = r.by.Rotate(t.Context(), r.target, r.cred, nil)
			require.Error(t, err)
			_, err = r.by.Recover(t.Context(), r.target, r.cred, nil)
			require.Error(t, err)
			err = r.by.Finish(t.Context(), r.target, r.cred, providers.Rotation{"replaces": "vault-sei-0123456789abcdef"})
			assert.Equal(t, one.provider == "sonarqube", err != nil)
		})
	}
}
