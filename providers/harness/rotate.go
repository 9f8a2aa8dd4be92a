package harness

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/probe"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// What a Rotation of Harness holds.
const (
	harnessIdentifier = "identifier"
	harnessKeyID      = "api_key_identifier"
	harnessParent     = "parent_identifier"
	harnessKind       = "api_key_type"
	harnessOrg        = "org_identifier"
	harnessProject    = "project_identifier"
	harnessOverlapEnd = "overlap_end" // epoch milliseconds
	harnessValidTo    = "valid_to"    // epoch milliseconds; absent where it stays as it is
)

// The kinds of tokens that can be rotated.
const (
	harnessUser           = "USER"
	harnessServiceAccount = "SERVICE_ACCOUNT"
)

var _ providers.Rotator = harness{}

// RotationUnsupported is for no key.
func (harness) RotationUnsupported(providers.Target) string { return "" }

// Overlaps is true: a rotated token works until rotateTimestamp.
func (harness) Overlaps() bool { return true }

// Prepare asks Harness by what names it knows the token. One that has been rotated can
// be rotated again while it works, by the name that it was given then.
func (h harness) Prepare(ctx context.Context, t providers.Target, cred providers.Credential, want providers.RotationWish) (providers.Rotation, error) {
	c, err := h.open(t, cred)
	if err != nil {
		return nil, err
	}
	ctx, cancel := probe.WithTimeout(ctx, t)
	defer cancel()
	token, err := c.validate(ctx)
	if err == nil {
		err = c.rotatable(token)
	}
	if err != nil {
		return nil, err
	}
	r := providers.Rotation{
		harnessIdentifier: token.Identifier, harnessKeyID: token.APIKeyIdentifier, harnessParent: token.ParentIdentifier, harnessKind: token.APIKeyType,
		harnessOverlapEnd: millis(want.Now.Add(want.Overlap)),
	}
	if token.OrgIdentifier != "" {
		r[harnessOrg] = token.OrgIdentifier
	}
	if token.ProjectIdentifier != "" {
		r[harnessProject] = token.ProjectIdentifier
	}
	if end := token.lengthened(want); !end.IsZero() {
		r[harnessValidTo] = millis(end)
	}
	return r, nil
}

func millis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

var harnessTokenForm = regexp.MustCompile(`^[0-9A-Za-z_$-]{1,128}$`)

// rotatable demands the names that a request needs.
func (c harnessCheck) rotatable(token harnessToken) *providers.Error {
	switch {
	case token.APIKeyType != harnessUser && token.APIKeyType != harnessServiceAccount:
		return c.Invalid(harnessAPIKey, "this kind of token cannot be rotated; use one of a user or of a service account")
	case !harnessTokenForm.MatchString(token.Identifier) || token.APIKeyIdentifier == "" || token.ParentIdentifier == "":
		return c.Fail(providers.UpstreamError, "Harness does not tell by what names it knows the token, so it cannot be rotated")
	}
	return nil
}

// lengthened is the end that the token must be given so that its successor, which
// inherits it, lives as long as the token was to live; zero where it need not be changed. A day more or less is not worth a change.
//
// getDTOFromTokenForRotation of Harness's TokenDTOMapper, see Unverified
func (t harnessToken) lengthened(want providers.RotationWish) time.Time {
	ends := probe.EndOfMillis(t.ValidTo)
	var life time.Duration
	if from := probe.EndOfMillis(t.ValidFrom); !from.IsZero() {
		life = ends.Sub(from)
	}
	if until := want.Now.Add(life); !ends.IsZero() && until.Sub(ends) > probe.Day {
		return until
	}
	return time.Time{}
}

// Rotate: https://apidocs.harness.io/token/rotatetoken
//
// rotateTimestamp is documented as optional, but the server fails without it. Where the
// successor would end too soon, the end of the token is put off before.
func (h harness) Rotate(ctx context.Context, t providers.Target, cred providers.Credential, r providers.Rotation) (providers.Successor, error) {
	c, err := h.open(t, cred)
	if err == nil && (r[harnessIdentifier] == "" || r[harnessOverlapEnd] == "") {
		err = c.Unprepared()
	}
	if err != nil {
		return providers.Successor{}, err
	}
	ctx, cancel := probe.WithTimeout(ctx, t)
	defer cancel()
	if r[harnessValidTo] != "" {
		err = c.lengthen(ctx, r)
	}
	if err != nil {
		return providers.Successor{}, err
	}
	res, err := c.Change(ctx, http.MethodPost, c.root+"/ng/api/token/rotate/"+url.PathEscape(r[harnessIdentifier])+"?"+c.rotateQuery(r), c.header.Clone(), nil)
	if err != nil {
		return providers.Successor{}, err
	}
	token, err := c.successor(res)
	if err != nil {
		return providers.Successor{}, err
	}
	return providers.Successor{Credential: cred.With(harnessAPIKey, providers.NewSecret(token))}, nil
}

func (c harnessCheck) rotateQuery(r providers.Rotation) string {
	q := url.Values{
		"accountIdentifier": {c.account}, "apiKeyType": {r[harnessKind]}, "parentIdentifier": {r[harnessParent]},
		"apiKeyIdentifier": {r[harnessKeyID]}, "rotateTimestamp": {r[harnessOverlapEnd]},
	}
	for name, value := range map[string]string{"orgIdentifier": r[harnessOrg], "projectIdentifier": r[harnessProject]} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q.Encode()
}

// lengthen puts off the end of the token: https://apidocs.harness.io/token/updatetoken
// It writes back all else as it is, and may be sent again.
func (c harnessCheck) lengthen(ctx context.Context, r providers.Rotation) *providers.Error {
	token, err := c.validate(ctx)
	if err != nil {
		return err
	}
	end, parseErr := strconv.ParseInt(r[harnessValidTo], 10, 64)
	if parseErr != nil {
		return c.Unprepared()
	}
	if token.Identifier != r[harnessIdentifier] {
		return c.Fail(providers.UpstreamError, "Harness knows the token by another name than a moment ago, so it has just been rotated elsewhere; try again")
	}
	body, encodeErr := json.Marshal(map[string]any{
		"identifier": token.Identifier, "name": token.Name, "description": token.Description, "tags": token.Tags,
		"validFrom": token.ValidFrom, "validTo": end, "accountIdentifier": token.AccountIdentifier,
		"apiKeyIdentifier": token.APIKeyIdentifier, "parentIdentifier": token.ParentIdentifier, "apiKeyType": token.APIKeyType,
		"orgIdentifier": token.OrgIdentifier, "projectIdentifier": token.ProjectIdentifier,
	})
	if encodeErr != nil {
		return c.Unprepared()
	}
	header := c.header.Clone()
	header.Set("Content-Type", "application/json")
	res, err := c.Change(ctx, http.MethodPut, c.root+"/ng/api/token/"+url.PathEscape(token.Identifier)+"?"+c.rotateQuery(r), header, body)
	if err != nil {
		return err
	}
	var updated struct {
		ValidTo int64 `json:"validTo"`
	}
	if err := c.changed(res, "put off its end", &updated); err != nil {
		return err
	}
	if updated.ValidTo != end {
		return c.Fail(providers.UpstreamError, "%q answered HTTP 200 without putting off the end of the token", res.Host)
	}
	return nil
}

// successor reads the new token, and believes in it only if it is of the same account
// and kind as the one before.
func (c harnessCheck) successor(res *upstream.Response) (string, *providers.Error) {
	var token string
	if err := c.changed(res, "rotate it", &token); err != nil {
		return "", err
	}
	prefix, _, _ := strings.Cut(c.key.Reveal(), ".")
	if !probe.IsSuccessor(token, c.key) || harnessAccountOf(providers.NewSecret(token)) != c.account || !strings.HasPrefix(token, prefix+".") {
		return "", c.Fail(providers.UpstreamError, "%q answered HTTP 200 without a token that could be used", res.Host)
	}
	return token, nil
}

// changed judges the answer to a request that changes a token, and reads its data. A
// policy's refusal is a 200 with the status FAILURE. A 400 may come after the token was
// given its end, such as at the limit of tokens of one API key, so it is no proof that
// nothing was changed (rotateToken of Harness's TokenServiceImpl, see Unverified).
func (c harnessCheck) changed(res *upstream.Response, what string, data any) *providers.Error {
	if err := c.judge(res); err != nil {
		switch {
		case res.Status == http.StatusForbidden && !harnessSaid(res).own():
			err = c.Foreign(res, harnessVendor) // a 403 without a word is known of the check alone
		case err.Outcome == providers.InsufficientScope && c.reason(res, harnessSaid(res)) == nil:
			err = c.Fail(providers.InsufficientScope, "the key works, but its owner may not %s (HTTP 403); a service account needs the right to manage service accounts", what)
		case res.Status == http.StatusBadRequest && err.Outcome == providers.UpstreamError && !probe.NotAnAPI(res):
			err = c.Fail(providers.UpstreamError, "Harness refuses to %s (HTTP 400), for one when the API key has as many tokens as it may; check when the key in use ends", what)
		}
		return err
	}
	var answer struct {
		Status string          `json:"status"`
		Data   json.RawMessage `json:"data"`
	}
	if err := c.JSON(res, &answer); err != nil {
		return err
	}
	switch {
	case answer.Status == "FAILURE":
		return c.Fail(providers.InsufficientScope, "the key works, but a policy of the account does not allow to %s; ask a Harness administrator", what)
	case answer.Status != "SUCCESS" || json.Unmarshal(answer.Data, data) != nil:
		return c.Fail(providers.UpstreamError, "%q answered HTTP 200 without the documented success", res.Host)
	}
	return nil
}

// Finish has nothing to do: the token before ends by itself.
func (harness) Finish(context.Context, providers.Target, providers.Credential, providers.Rotation) error {
	return nil
}

// Recover asks whether the key still works. One that was rotated does until the end of
// the overlap, which is what its check tells as its end; it can be rotated once more
// before that. The successor that nobody has keeps the token's name and stays upstream
// until its own end, or until a person removes it.
func (h harness) Recover(ctx context.Context, t providers.Target, cred providers.Credential, _ providers.Rotation) (bool, error) {
	c, err := h.open(t, cred)
	if err != nil {
		return false, err
	}
	ctx, cancel := probe.WithTimeout(ctx, t)
	defer cancel()
	_, err = c.validate(ctx)
	return probe.Lives(err)
}
