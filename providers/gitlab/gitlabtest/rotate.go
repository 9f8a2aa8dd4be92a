package gitlabtest

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"time"

	"vault-plugin-secrets-sei/providers/providertest"
)

// gitlabDate reads the date on which a token ends; the zero time is never.
func gitlabDate(text string) time.Time {
	t, _ := time.Parse(time.DateOnly, text)
	return t
}

// Living returns the tokens of a user that work, of all users where username is empty,
// sorted.
func (g *GitLab) Living(username string) []string {
	g.Mu.Lock()
	defer g.Mu.Unlock()
	living := []string{}
	for secret, t := range g.tokens {
		if (username == "" || t.Username == username) && t.Is == "" && !g.Ended(gitlabDate(t.Expires), t.made) {
			living = append(living, secret)
		}
	}
	slices.Sort(living)
	return living
}

// rotate replaces the token that asks, in one transaction: gitlabhq
// app/services/personal_access_tokens/rotate_service.rb and lib/api/personal_access_tokens/self_rotation.rb.
// A revoked token that asks revokes its successors: lib/gitlab/auth/auth_finders.rb.
func (g *GitLab) rotate(w http.ResponseWriter, r *http.Request) {
	g.Count(func(n *providertest.Renewals) { n.Asked++ })
	t, known := g.token(r)
	switch {
	case known && t.Is == "revoked":
		g.revokeFamily(t.id)
	case known && t.Is == "oauth":
		providertest.WriteJSON(w, http.StatusMethodNotAllowed, providertest.Object{"message": "405 Method Not Allowed"})
		return
	}
	if _, ok := g.enter(w, r, "rotate_personal_access_token", "api", "self_rotate"); !ok {
		return
	}
	expires, ok := gitlabExpiresAt(r)
	if !ok {
		providertest.WriteJSON(w, http.StatusBadRequest, providertest.Object{"error": "expires_at is invalid"})
		return
	}
	made, refusal := g.succeed(t.Token, expires)
	switch {
	case made.Token != "":
		body := made.describe()
		body["token"] = made.Token
		providertest.WriteJSON(w, http.StatusOK, body)
	case refusal != "":
		providertest.WriteJSON(w, http.StatusBadRequest, providertest.Object{"message": "400 Bad request - " + refusal})
	default: // somebody else was faster
		g.revokeFamily(t.id)
		gitlabDenials()["revoked"](w)
	}
}

// gitlabExpiresAt reads the only parameter from JSON, form or query; the zero time
// where it is absent.
func gitlabExpiresAt(r *http.Request) (expires time.Time, ok bool) {
	text := r.URL.Query().Get("expires_at")
	body, _ := io.ReadAll(r.Body)
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch kind {
	case "application/json":
		var in struct {
			ExpiresAt string `json:"expires_at"`
		}
		if len(body) > 0 && json.Unmarshal(body, &in) != nil {
			return time.Time{}, false
		}
		text = in.ExpiresAt
	case "application/x-www-form-urlencoded":
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return time.Time{}, false
		}
		text = form.Get("expires_at")
	}
	if text == "" {
		return time.Time{}, true
	}
	expires = gitlabDate(text)
	return expires, !expires.IsZero()
}

// succeed makes the successor of a token and revokes it, or says why not; neither where
// it is not alive any more.
func (g *GitLab) succeed(secret string, expires time.Time) (made GitLabToken, refusal string) {
	g.Mu.Lock()
	defer g.Mu.Unlock()
	t := g.tokens[secret]
	now, _ := g.Now()
	today, rules := now.Truncate(24*time.Hour), g.Ruled()
	longest := 365
	if rules.MaxDays > 0 {
		longest = rules.MaxDays
	}
	if expires.IsZero() {
		expires = today.AddDate(0, 0, 7)
	}
	switch last := today.AddDate(0, 0, longest); {
	case t.Is != "":
		return GitLabToken{}, ""
	case rules.NoLegacy && !t.FineGrained && !t.Bot:
		return GitLabToken{}, "Rotation of legacy personal access tokens is disabled. Use a fine-grained token instead."
	case expires.Before(today): // the wording of both is a guess
		return GitLabToken{}, "Expiration date can't be in the past"
	case expires.After(last):
		return GitLabToken{}, "Expiration date must be before " + last.AddDate(0, 0, 1).Format(time.DateOnly)
	}
	g.lastID++
	made = t
	made.Token, made.id, made.previous, made.made = "glpat-"+providertest.RandomText(20, providertest.Alphanumeric), g.lastID, t.id, true
	made.Created, made.Expires = now.Format("2006-01-02T15:04:05.000Z"), expires.Format(time.DateOnly)
	t.Is = "revoked"
	g.tokens[secret], g.tokens[made.Token] = t, made
	g.Note("successor", made.Token)
	g.Count(func(n *providertest.Renewals) { n.Made++ })
	return made, ""
}

// revokeFamily revokes all that descend from a token: gitlabhq
// app/services/personal_access_tokens/revoke_token_family_service.rb.
func (g *GitLab) revokeFamily(id int64) {
	g.Mu.Lock()
	defer g.Mu.Unlock()
	g.Count(func(n *providertest.Renewals) { n.FamiliesRevoked++ })
	family := []int64{id}
	for i := 0; i < len(family); i++ {
		for secret, t := range g.tokens {
			if t.previous == family[i] {
				family = append(family, t.id)
				if t.Is == "" {
					t.Is = "revoked"
					g.tokens[secret] = t
				}
			}
		}
	}
}
