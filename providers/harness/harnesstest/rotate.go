package harnesstest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	"vault-plugin-secrets-sei/providers/providertest"
)

// Living returns the tokens of an owner that work, of all owners where email is empty,
// sorted.
func (h *Harness) Living(email string) []string {
	h.Mu.Lock()
	defer h.Mu.Unlock()
	living := []string{}
	for secret, t := range h.tokens {
		if (email == "" || t.Email == email) && !t.Expired && !t.Disabled && !h.over(t) {
			living = append(living, secret)
		}
	}
	slices.Sort(living)
	return living
}

func (t HarnessToken) kind() string {
	if t.ServiceAccount {
		return "SERVICE_ACCOUNT"
	}
	return "USER"
}

// end is epoch milliseconds, 0 for never: getExpiryTimestamp of Token.
func (t HarnessToken) end() int64 {
	if t.ScheduledExpireTime > 0 {
		return t.ScheduledExpireTime
	}
	return t.ValidTo
}

// over reports whether a token has ended by the clock.
func (h *Harness) over(t HarnessToken) bool {
	return t.end() > 0 && h.Ended(time.UnixMilli(t.end()), t.made || t.rotated)
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func succeedHarness(w http.ResponseWriter, data any) {
	answerHarness(w, "SUCCESS", data)
}

// failHarness answers as a policy's denial does, with 200.
func failHarness(w http.ResponseWriter) { answerHarness(w, "FAILURE", nil) }

func answerHarness(w http.ResponseWriter, status string, data any) {
	providertest.WriteJSON(w, http.StatusOK, providertest.Object{"status": status, "data": data, "metaData": nil, "correlationId": "00000000-0000-4000-8000-000000000000"})
}

// find returns the secret of a token by its names. The caller holds the lock.
func (h *Harness) find(account, parent, key, identifier string) (string, bool) {
	for secret, t := range h.tokens {
		if t.Account == account && t.Parent == parent && t.Key == key && t.Identifier == identifier {
			return secret, true
		}
	}
	return "", false
}

// manages lets in who may change a token that is named so: a user its own, a service
// account with the right to manage them. It returns false if the request is answered.
func (h *Harness) manages(w http.ResponseWriter, r *http.Request, kind, parent, key string) (HarnessToken, bool) {
	secret := r.Header.Get("X-Api-Key")
	if secret == "" {
		refuseHarness(w, http.StatusUnauthorized, "INVALID_TOKEN", "Token is not valid.")
		return HarnessToken{}, false
	}
	t, ok := h.enter(w, r, secret)
	switch {
	case !ok:
	case kind == "" || parent == "" || key == "":
		refuseHarness(w, http.StatusBadRequest, "INVALID_REQUEST", "Invalid request: apiKeyType, parentIdentifier and apiKeyIdentifier are needed")
	case kind != t.kind() || !t.ServiceAccount && parent != t.Parent:
		refuseHarness(w, http.StatusBadRequest, "INVALID_REQUEST", "Invalid request: User not authorized to perform this operation")
	case t.Unmanaged:
		refuseHarness(w, http.StatusForbidden, "NG_ACCESS_DENIED", "Missing permission core_serviceaccount_manageapikey on service account")
	case t.ServiceAccount && (r.URL.Query().Get("orgIdentifier") != t.Org || r.URL.Query().Get("projectIdentifier") != t.Project):
		refuseHarness(w, http.StatusBadRequest, "INVALID_REQUEST", "Invalid request: no such service account in this scope")
	default:
		return t, true
	}
	return t, false
}

// rotate gives a token its end and makes its successor: rotateToken of TokenServiceImpl,
// and of TokenResource, which unboxes rotateTimestamp whether or not it is there. It is
// no transaction: at the limit of tokens, the one before keeps its new name and end.
func (h *Harness) rotate(w http.ResponseWriter, r *http.Request) {
	h.Count(func(n *providertest.Renewals) { n.Asked++ })
	q := r.URL.Query()
	caller, ok := h.manages(w, r, q.Get("apiKeyType"), q.Get("parentIdentifier"), q.Get("apiKeyIdentifier"))
	if !ok {
		return
	}
	end, err := strconv.ParseInt(q.Get("rotateTimestamp"), 10, 64)
	if err != nil {
		refuseHarness(w, http.StatusInternalServerError, "UNKNOWN_ERROR", "Oops, something went wrong on our end. Please contact Harness Support.")
		return
	}
	h.Mu.Lock()
	defer h.Mu.Unlock()
	secret, found := h.find(caller.Account, q.Get("parentIdentifier"), q.Get("apiKeyIdentifier"), r.PathValue("identifier"))
	rules := h.Ruled()
	switch {
	case !found: // Preconditions.checkState
		refuseHarness(w, http.StatusInternalServerError, "UNKNOWN_ERROR", "No token present with identifier: "+r.PathValue("identifier"))
		return
	case rules.Deny:
		failHarness(w)
		return
	}
	old, now := h.tokens[secret], h.siblings(secret)
	made := old
	old.Identifier, old.ScheduledExpireTime, old.rotated = "rotated_"+providertest.RandomText(15, providertest.Letters), end, true
	h.tokens[secret] = old
	if rules.MaxTokens > 0 && now >= rules.MaxTokens {
		refuseHarness(w, http.StatusBadRequest, "INVALID_REQUEST", "Invalid request: Maximum Token limit has been reached")
		return
	}
	made.Token = map[bool]string{false: "pat.", true: "sat."}[made.ServiceAccount] + made.Account + "." + providertest.RandomHex(12) + "." + providertest.RandomText(20, providertest.Alphanumeric)
	made.ScheduledExpireTime, made.rotated, made.made = 0, false, true
	at, _ := h.Now()
	made.ValidFrom = at.UnixMilli()
	h.tokens[made.Token] = made
	h.Note("successor", made.Token)
	h.Count(func(n *providertest.Renewals) { n.Made++ })
	succeedHarness(w, made.Token)
}

// siblings is how many tokens the API key of a token has. The caller holds the lock.
func (h *Harness) siblings(secret string) int {
	of, n := h.tokens[secret], 0
	for _, t := range h.tokens {
		if t.Account == of.Account && t.Parent == of.Parent && t.Key == of.Key {
			n++
		}
	}
	return n
}

// update writes name, life, description and tags of a token: updateToken of
// TokenServiceImpl. A policy may limit its life.
func (h *Harness) update(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Identifier          string          `json:"identifier"`
		Name                string          `json:"name"`
		Description         string          `json:"description"`
		Tags                json.RawMessage `json:"tags"`
		ValidFrom           int64           `json:"validFrom"`
		ValidTo             int64           `json:"validTo"`
		ScheduledExpireTime *int64          `json:"scheduledExpireTime"`
		Account             string          `json:"accountIdentifier"`
		Kind                string          `json:"apiKeyType"`
		Parent              string          `json:"parentIdentifier"`
		Key                 string          `json:"apiKeyIdentifier"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		refuseHarness(w, http.StatusBadRequest, "INVALID_REQUEST", "Invalid request: Unable to process JSON")
		return
	}
	caller, ok := h.manages(w, r, in.Kind, in.Parent, in.Key)
	if !ok {
		return
	}
	now, _ := h.Now()
	rules := h.Ruled()
	h.Mu.Lock()
	defer h.Mu.Unlock()
	secret, found := h.find(caller.Account, in.Parent, in.Key, in.Identifier)
	switch {
	case in.ScheduledExpireTime != nil:
		refuseHarness(w, http.StatusBadRequest, "INVALID_REQUEST", "Invalid request: Rotated tokens cannot be updated")
	case in.Name == "" || in.Account != caller.Account || in.Identifier != r.PathValue("identifier"):
		refuseHarness(w, http.StatusBadRequest, "INVALID_REQUEST", "Invalid request: name, accountIdentifier and identifier are needed")
	case in.ValidTo < now.UnixMilli() || in.ValidFrom > in.ValidTo:
		refuseHarness(w, http.StatusBadRequest, "INVALID_REQUEST", "Invalid request: Token's validTo cannot be set before current time.")
	case !found:
		refuseHarness(w, http.StatusInternalServerError, "UNKNOWN_ERROR", "No token present with identifier: "+in.Identifier)
	case rules.MaxDays > 0 && in.ValidTo > now.AddDate(0, 0, rules.MaxDays).UnixMilli():
		failHarness(w)
	default:
		t := h.tokens[secret]
		t.Name, t.ValidFrom, t.ValidTo, t.description, t.tags = in.Name, in.ValidFrom, in.ValidTo, in.Description, in.Tags
		h.tokens[secret] = t
		h.Count(func(n *providertest.Renewals) { n.Lengthened++ })
		succeedHarness(w, t.describe())
	}
}
