package harnesstest

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-sei/providers/providertest"
)

// HarnessToken is a token of an API key. Of the zero values, Account is that of the
// fake, and Parent is made up from Email.
type HarnessToken struct {
	Token string `json:"token"`
	// Account is the account it belongs to.
	Account string `json:"account,omitempty"`
	Email   string `json:"email,omitempty"`
	// Parent is the id of the owner.
	Parent string `json:"parent,omitempty"`
	// ServiceAccount is set for tokens of a service account.
	ServiceAccount bool `json:"service_account,omitempty"`
	// HideEmail leaves the address out of answers.
	HideEmail bool `json:"hide_email,omitempty"`
	// ValidTo and ScheduledExpireTime are epoch milliseconds; 0 is never.
	ValidTo             int64 `json:"valid_to,omitempty"`
	ScheduledExpireTime int64 `json:"scheduled_expire_time,omitempty"`
	// Expired tokens are refused as such.
	Expired bool `json:"expired,omitempty"`
	// Disabled owners are forbidden the account.
	Disabled bool `json:"disabled,omitempty"`
	// Refusal is the code with which the token is refused with 401, such as USER_DISABLED.
	Refusal string `json:"refusal,omitempty"`
	// Identifier, Name and Key are what it is called; token and key where empty, with a
	// number where the owner has one of that name.
	Identifier string `json:"identifier,omitempty"`
	Name       string `json:"name,omitempty"`
	Key        string `json:"key,omitempty"`
	// Org and Project are where a service account lives.
	Org     string `json:"org,omitempty"`
	Project string `json:"project,omitempty"`
	// ValidFrom is epoch milliseconds; an hour ago where 0.
	ValidFrom int64 `json:"valid_from,omitempty"`
	// Unmanaged tokens may not change tokens, as those of a service account without
	// the right to manage service accounts.
	Unmanaged bool `json:"unmanaged,omitempty"`

	description string
	tags        json.RawMessage
	made        bool
	rotated     bool
}

// DefaultHarnessAccount is the account of tokens that name none.
const DefaultHarnessAccount = "aCcOuNt_of-the-fake-01"

// Harness is a fake of Harness NextGen, with its API below / and /gateway.
type Harness struct {
	providertest.Base
	providertest.Renewer
	mux    *http.ServeMux
	tokens map[string]HarnessToken
}

var _ providertest.Fake = (*Harness)(nil)

// NewHarness returns a fake without tokens.
func NewHarness() *Harness {
	h := &Harness{mux: http.NewServeMux(), tokens: map[string]HarnessToken{}}
	for _, prefix := range []string{"", "/gateway"} {
		h.mux.HandleFunc("POST "+prefix+"/ng/api/token/validate", h.validate)
		h.mux.HandleFunc("GET "+prefix+"/ng/api/token/aggregate", h.aggregate)
		h.mux.HandleFunc("POST "+prefix+"/ng/api/token/rotate/{identifier}", h.rotate)
		h.mux.HandleFunc("PUT "+prefix+"/ng/api/token/{identifier}", h.update)
	}
	return h
}

// AddToken adds a user's token of the default account.
func (h *Harness) AddToken(email, token string) { h.Add(HarnessToken{Token: token, Email: email}) }

// Add adds a token.
func (h *Harness) Add(t HarnessToken) {
	h.Note("token", t.Token)
	if t.Account == "" {
		t.Account = DefaultHarnessAccount
	}
	if t.Parent == "" {
		t.Parent, _, _ = strings.Cut(t.Email, "@")
	}
	if t.Key == "" {
		t.Key = "key"
	}
	if t.ValidFrom == 0 {
		now, _ := h.Now()
		t.ValidFrom = now.Add(-time.Hour).UnixMilli()
	}
	if t.tags == nil {
		t.tags = json.RawMessage(`{}`)
	}
	h.Mu.Lock()
	defer h.Mu.Unlock()
	delete(h.tokens, t.Token)
	for n := 1; t.Identifier == ""; n++ {
		name := "token"
		if n > 1 {
			name += strconv.Itoa(n)
		}
		if _, taken := h.find(t.Account, t.Parent, t.Key, name); !taken {
			t.Identifier = name
		}
	}
	if t.Name == "" {
		t.Name = t.Identifier
	}
	h.tokens[t.Token] = t
}

// AddJSON adds the HarnessToken that body describes.
func (h *Harness) AddJSON(body []byte) error {
	var t HarnessToken
	if err := json.Unmarshal(body, &t); err != nil {
		return err
	}
	h.Add(t)
	return nil
}

// Revoke makes a token unknown.
func (h *Harness) Revoke(token string) {
	h.Mu.Lock()
	defer h.Mu.Unlock()
	delete(h.tokens, token)
}

// ServeHTTP answers as Harness does.
func (h *Harness) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t, _ := h.token(r.Header.Get("X-Api-Key"))
	h.Serve(w, r, t.Email, h.mux)
}

func (h *Harness) token(secret string) (HarnessToken, bool) {
	h.Mu.Lock()
	defer h.Mu.Unlock()
	t, ok := h.tokens[secret]
	t.Expired = t.Expired || h.over(t)
	return t, ok
}

// enter demands a token of the account in the query, in the order of the server's
// TokenValidationHelper: account, token, expiry. It returns false if the request is
// answered.
func (h *Harness) enter(w http.ResponseWriter, r *http.Request, secret string) (HarnessToken, bool) {
	account := r.URL.Query().Get("accountIdentifier")
	t, known := h.token(secret)
	switch {
	case account == "":
		refuseHarness(w, http.StatusBadRequest, "INVALID_REQUEST", "Invalid request: accountIdentifier is missing")
	case secret == "":
		refuseHarness(w, http.StatusBadRequest, "INVALID_REQUEST", "Invalid request: Invalid API Token: Token is Empty")
	case !known:
		// TokenValidationHelper: a deleted token, or one of an unknown id.
		refuseHarness(w, http.StatusBadRequest, "INVALID_REQUEST", "Invalid request: Invalid API token 000000000000000000000000: Token not found")
	case t.Account != account:
		refuseHarness(w, http.StatusUnauthorized, "INVALID_TOKEN", "Token is not valid.")
	case t.Expired:
		refuseHarness(w, http.StatusUnauthorized, "EXPIRED_TOKEN", "Token expired.")
	case t.Refusal != "":
		// The codes that harness-core's ErrorCode.java gives the status 401; the words
		// are made up.
		refuseHarness(w, http.StatusUnauthorized, t.Refusal, "The request is refused.")
	case t.Disabled:
		// harness/cli modules/core/auth/login_test.go: 403 without a body.
		w.WriteHeader(http.StatusForbidden)
	default:
		return t, true
	}
	return t, false
}

// refuseHarness answers with the envelope of a recorded refusal, harness/backstage-plugins
// issue 104: metadata in lower case, correlationId null.
func refuseHarness(w http.ResponseWriter, status int, code, message string) {
	providertest.WriteJSON(w, status, providertest.Object{
		"status": "ERROR", "code": code, "message": message, "correlationId": nil, "detailedMessage": nil,
		"responseMessages": []any{providertest.Object{"code": code, "level": "ERROR", "message": message, "exception": nil, "failureTypes": []any{}}},
		"metadata":         nil,
	})
}

// validate demands the token in the header and, as text, in the body:
// api-evangelist/harness openapi/harness-token-api-openapi.yml, documented.
func (h *Harness) validate(w http.ResponseWriter, r *http.Request) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "text/plain" {
		providertest.WriteJSON(w, http.StatusUnsupportedMediaType, providertest.Object{"code": 415, "message": "HTTP 415 Unsupported Media Type"})
		return
	}
	body, _ := io.ReadAll(r.Body)
	if key := r.Header.Get("X-Api-Key"); key == "" || key != string(body) {
		if key == "" {
			refuseHarness(w, http.StatusUnauthorized, "INVALID_TOKEN", "Token is not valid.")
			return
		}
		refuseHarness(w, http.StatusBadRequest, "INVALID_REQUEST", "Invalid request: Invalid API token: Token not found")
		return
	}
	if t, ok := h.enter(w, r, string(body)); ok {
		succeedHarness(w, t.describe())
	}
}

// describe has the fields of harness/harness-go-sdk nextgen/model_token.go.
func (t HarnessToken) describe() providertest.Object {
	d := providertest.Object{
		"identifier": t.Identifier, "name": t.Name, "validFrom": t.ValidFrom, "validTo": t.ValidTo,
		"scheduledExpireTime": nil, "valid": true, "accountIdentifier": t.Account, "projectIdentifier": orNull(t.Project), "orgIdentifier": orNull(t.Org),
		"apiKeyIdentifier": t.Key, "parentIdentifier": t.Parent, "apiKeyType": t.kind(), "description": t.description, "tags": t.tags,
		"email": t.Email, "username": t.Parent, "encodedPassword": nil,
	}
	if t.ScheduledExpireTime > 0 {
		d["scheduledExpireTime"] = t.ScheduledExpireTime
	}
	if t.HideEmail {
		delete(d, "email")
	}
	return d
}

// aggregate lists the tokens of the caller's owner; the form of the same specification.
func (h *Harness) aggregate(w http.ResponseWriter, r *http.Request) {
	key := r.Header.Get("X-Api-Key")
	if key == "" {
		refuseHarness(w, http.StatusUnauthorized, "INVALID_TOKEN", "Token is not valid.")
		return
	}
	t, ok := h.enter(w, r, key)
	if !ok {
		return
	}
	items := []any{}
	h.Mu.Lock()
	for _, other := range h.tokens {
		if other.Account == t.Account && other.Parent == t.Parent && other.kind() == t.kind() {
			items = append(items, providertest.Object{"token": other.describe(), "expiryAt": other.end(), "createdAt": other.ValidFrom, "lastModifiedAt": other.ValidFrom})
		}
	}
	h.Mu.Unlock()
	succeedHarness(w, providertest.Object{"totalPages": 1, "totalItems": len(items), "pageItemCount": len(items), "pageSize": len(items), "content": items, "pageIndex": 0, "empty": false})
}
