package harness

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/probe"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// harnessToken is what Harness tells of a token. It may also have the field
// encodedPassword, which is left alone.
type harnessToken struct {
	Valid             *bool  `json:"valid"`
	AccountIdentifier string `json:"accountIdentifier"`
	ParentIdentifier  string `json:"parentIdentifier"`
	Email             string `json:"email"`
	Username          string `json:"username"`
	// Epoch milliseconds. A rotated token ends at the last, whatever ValidTo.
	ValidFrom           int64 `json:"validFrom"`
	ValidTo             int64 `json:"validTo"`
	ScheduledExpireTime int64 `json:"scheduledExpireTime"`
	// What a rotation needs.
	Identifier        string          `json:"identifier"`
	Name              string          `json:"name"`
	Description       string          `json:"description"`
	Tags              json.RawMessage `json:"tags"`
	APIKeyIdentifier  string          `json:"apiKeyIdentifier"`
	APIKeyType        string          `json:"apiKeyType"`
	OrgIdentifier     string          `json:"orgIdentifier"`
	ProjectIdentifier string          `json:"projectIdentifier"`
}

// harnessAnswer is the envelope of every answer. The fields of a refusal are only
// matched, never quoted.
type harnessAnswer struct {
	Status   string           `json:"status"`
	Data     *harnessToken    `json:"data"`
	Code     string           `json:"code"`
	Message  string           `json:"message"`
	Messages []harnessMessage `json:"responseMessages"`
	// Of these, which may be null, only the presence counts. Names are read without
	// case: a refusal calls the second metadata.
	CorrelationID json.RawMessage `json:"correlationId"`
	MetaData      json.RawMessage `json:"metaData"`
}

type harnessMessage struct {
	Code    string `json:"code"`
	Level   string `json:"level"`
	Message string `json:"message"`
}

func (c harnessCheck) run(ctx context.Context) (providers.Verified, *providers.Error) {
	token, err := c.validate(ctx)
	if err != nil {
		return providers.Verified{}, err
	}
	return c.verified(token), nil
}

// validate: https://apidocs.harness.io/token/validatetoken
func (c harnessCheck) validate(ctx context.Context) (harnessToken, *providers.Error) {
	header := c.header.Clone()
	header.Set("Content-Type", "text/plain")
	address := c.root + "/ng/api/token/validate?accountIdentifier=" + url.QueryEscape(c.account)
	res, err := c.Post(ctx, address, header, []byte(c.key.Reveal()))
	if err != nil {
		return harnessToken{}, err
	}
	if err := c.judge(res); err != nil {
		return harnessToken{}, err
	}
	var answer harnessAnswer
	if err := c.JSON(res, &answer); err != nil {
		return harnessToken{}, err
	}
	if err := c.judgeToken(res, answer); err != nil {
		return harnessToken{}, err
	}
	return *answer.Data, nil
}

// judge finds what the answer says of the key; nil means that the body has to
// prove it.
func (c harnessCheck) judge(res *upstream.Response) *providers.Error {
	said := harnessSaid(res)
	if said.own() && said.has("ACCOUNT_MIGRATED") { // with a redirect
		return c.reason(res, said)
	}
	if err := c.Undecided(res); err != nil || res.Status == http.StatusOK {
		return err
	}
	if err := c.reason(res, said); err != nil {
		return err
	}
	switch {
	case probe.NotAnAPI(res):
		// harness/mcp-server tests/client/harness-client.test.ts: the gateway may
		// answer 401 with its sign-in page.
		return c.Page(res)
	case res.Status == http.StatusUnauthorized:
		return c.unauthorized(res, said)
	case res.Status == http.StatusForbidden:
		return c.forbidden(res, said)
	}
	return c.Unexpected(res)
}

// harnessSaid reads what a refusal says; the zero value where it is none of Harness's.
func harnessSaid(res *upstream.Response) harnessAnswer {
	var said harnessAnswer
	if res.Status == http.StatusOK || !res.Peek(&said) {
		return harnessAnswer{}
	}
	return said
}

// harnessAccountOf returns the account that a token names: pat.<account>.<id>.<secret>.
// It only helps to explain a refusal; tokens may have another form.
func harnessAccountOf(token providers.Secret) string {
	parts := strings.Split(token.Reveal(), ".")
	if len(parts) != 4 || parts[0] != "pat" && parts[0] != "sat" {
		return ""
	}
	return parts[1]
}

// judgeToken demands that a 200 says yes, and to the right account and owner.
func (c harnessCheck) judgeToken(res *upstream.Response, a harnessAnswer) *providers.Error {
	if err := c.reason(res, a); err != nil {
		return err
	}
	switch {
	case a.Status != "SUCCESS" || a.Data == nil || a.Data.Valid == nil:
		return c.Fail(providers.UpstreamError, "%q answered HTTP 200 without saying that the key is valid; check url", res.Host)
	case !*a.Data.Valid:
		return c.rejected(res, a)
	case a.Data.AccountIdentifier == "":
		return c.Fail(providers.UpstreamError, "%q answered HTTP 200 without naming an account; check url", res.Host)
	case a.Data.AccountIdentifier != c.account:
		e := c.Fail(providers.InsufficientScope, "the key works, but belongs to another account than account_id")
		e.Missing = []string{c.account}
		return e
	}
	return c.judgeOwner(res, *a.Data)
}

// judgeOwner demands the e-mail address entered, if any is told, and a name for the
// owner in any case. What cannot be read is not the same as nothing.
func (c harnessCheck) judgeOwner(res *upstream.Response, t harnessToken) *providers.Error {
	switch {
	case probe.Printable(t.Email) != t.Email:
		return c.Fail(providers.UpstreamError, "%q tells an e-mail address that cannot be one; check url", res.Host)
	case t.Email != "" && !strings.EqualFold(t.Email, c.email):
		e := c.Fail(providers.IdentityMismatch, "the key works, but its owner has another e-mail address than the one entered")
		e.Fields = []string{harnessEmail}
		return e
	case t.owner() == "":
		return c.Fail(providers.UpstreamError, "%q answered HTTP 200 without naming the key's owner; check url", res.Host)
	}
	return nil
}

// owner is who the token belongs to, by the best of the names that are told.
func (t harnessToken) owner() string {
	return cmp.Or(probe.Printable(t.Email), probe.Printable(t.Username), probe.Printable(t.ParentIdentifier))
}

// end is when the token ends; the zero time is never. After a rotation it is the
// end of the overlap.
func (t harnessToken) end() time.Time {
	if rotated := probe.EndOfMillis(t.ScheduledExpireTime); !rotated.IsZero() {
		return rotated
	}
	return probe.EndOfMillis(t.ValidTo)
}

func (c harnessCheck) verified(t harnessToken) providers.Verified {
	v := providers.Verified{Identity: t.owner(), ExpiresAt: t.end(), NoEnd: t.end().IsZero()}
	if parent := probe.Printable(t.ParentIdentifier); parent != "" {
		v.AccountID = c.account + "/" + parent
	}
	if t.Email == "" {
		v.Warnings = append(v.Warnings, "Harness does not tell the owner's e-mail address, so the one entered could not be compared")
	}
	if rotated := probe.EndOfMillis(t.ScheduledExpireTime); !rotated.IsZero() {
		v.Warnings = append(v.Warnings, "the token has been rotated and works only until "+rotated.Format(time.RFC3339)+"; use its successor")
	}
	return v
}
