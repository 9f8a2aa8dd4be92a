package sonarqube

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/probe"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// What a Rotation of SonarQube holds.
const (
	sonarqubeName     = "name"
	sonarqubeReplaces = "replaces"        // the name of the token before, if the engine made it
	sonarqubeExpires  = "expiration_date" // absent where there is none
	sonarqubeScheme   = "scheme"
)

// sonarqubeNames begins the names of all tokens that the engine makes.
const sonarqubeNames = "vault-sei-"

// Lives of a successor, in days. The date must be tomorrow's or later in the server's
// time zone (GenerateAction of SonarSource/sonarqube), which may be two days on in UTC.
const (
	sonarqubeShortestLife = 2
	sonarqubeDefaultLife  = 90 // of a token that ends and does not tell since when it lives
)

var _ providers.Rotator = sonarqube{}

// RotationUnsupported is for no token: all that are taken are a user's.
func (sonarqube) RotationUnsupported(providers.Target) string { return "" }

// Overlaps is true: tokens of a user live side by side.
func (sonarqube) Overlaps() bool { return true }

// Prepare checks the token and chooses a name for its successor.
func (s sonarqube) Prepare(ctx context.Context, t providers.Target, cred providers.Credential, want providers.RotationWish) (providers.Rotation, error) {
	c, err := s.open(t, cred)
	if err != nil {
		return nil, err
	}
	ctx, cancel := probe.WithTimeout(ctx, t)
	defer cancel()
	v, err := c.run(ctx)
	if err != nil {
		return nil, err
	}
	var random [8]byte
	_, _ = rand.Read(random[:]) // it never fails
	r := providers.Rotation{sonarqubeName: sonarqubeNames + hex.EncodeToString(random[:]), sonarqubeScheme: v.Scheme}
	if isOwnSonarQubeName(want.Made[sonarqubeName]) {
		r[sonarqubeReplaces] = want.Made[sonarqubeName]
	}
	days, err := c.days(ctx, v, want)
	if err != nil {
		return nil, err
	}
	if days > 0 {
		r[sonarqubeExpires] = want.Now.UTC().AddDate(0, 0, max(days, sonarqubeShortestLife)).Format(time.DateOnly)
	}
	return r, nil
}

var ownSonarQubeNameForm = regexp.MustCompile(`^` + sonarqubeNames + `[0-9a-f]{16}$`)

// isOwnSonarQubeName reports whether the engine chose a name. No other token is ever
// revoked.
func isOwnSonarQubeName(name string) bool {
	return ownSonarQubeNameForm.MatchString(name)
}

// days is how long a successor lives; 0 is for ever.
func (c sonarqubeCheck) days(ctx context.Context, v providers.Verified, want providers.RotationWish) (int, *providers.Error) {
	if v.ExpiresAt.IsZero() {
		return 0, nil
	}
	tokens, err := c.tokens(ctx, v.Scheme)
	if err != nil {
		return 0, err
	}
	days := 0
	for _, token := range tokens {
		created := parseSonarQubeTime(token.CreatedAt)
		if created.IsZero() || !parseSonarQubeTime(token.ExpirationDate).Equal(v.ExpiresAt) {
			continue
		}
		life := probe.WholeDays(v.ExpiresAt.Sub(created))
		if token.Name == want.Made[sonarqubeName] {
			return life, nil
		}
		// A token does not tell its own name; of several that end in the same moment,
		// the one with the shortest life is taken for it.
		if days == 0 || life < days {
			days = life
		}
	}
	if days <= 0 {
		return sonarqubeDefaultLife, nil
	}
	return days, nil
}

// sonarqubeListed is a token in the list of its user's.
type sonarqubeListed struct {
	Name           string `json:"name"`
	CreatedAt      string `json:"createdAt"`
	ExpirationDate string `json:"expirationDate"` // since 9.6
}

// tokens: https://next.sonarqube.com/sonarqube/web_api/api/user_tokens/search
func (c sonarqubeCheck) tokens(ctx context.Context, scheme string) ([]sonarqubeListed, *providers.Error) {
	res, err := c.ask(ctx, "/api/user_tokens/search", scheme)
	if err != nil {
		return nil, err
	}
	var list struct {
		Login      string            `json:"login"`
		UserTokens []sonarqubeListed `json:"userTokens"`
	}
	if err := c.JSON(res, &list); err != nil {
		return nil, err
	}
	if list.Login != c.username {
		return nil, c.Fail(providers.UpstreamError, "%q answered HTTP 200 without the list of the user's tokens; check url", res.Host)
	}
	return list.UserTokens, nil
}

// Rotate: https://next.sonarqube.com/sonarqube/web_api/api/user_tokens/generate
func (s sonarqube) Rotate(ctx context.Context, t providers.Target, cred providers.Credential, r providers.Rotation) (providers.Successor, error) {
	c, err := s.open(t, cred)
	if err == nil && !isOwnSonarQubeName(r[sonarqubeName]) {
		err = c.Unprepared()
	}
	if err != nil {
		return providers.Successor{}, err
	}
	ctx, cancel := probe.WithTimeout(ctx, t)
	defer cancel()
	form := url.Values{"name": {r[sonarqubeName]}, "type": {"USER_TOKEN"}}
	if r[sonarqubeExpires] != "" {
		form.Set("expirationDate", r[sonarqubeExpires])
	}
	res, err := c.submit(ctx, "/api/user_tokens/generate", r, form)
	if err == nil {
		err = c.judgeGenerated(res)
	}
	if err != nil {
		return providers.Successor{}, err
	}
	made, err := c.successor(res, r)
	if err != nil {
		return providers.Successor{}, err
	}
	return made, nil
}

// submit sends a form that changes something: once.
func (c sonarqubeCheck) submit(ctx context.Context, path string, r providers.Rotation, form url.Values) (*upstream.Response, *providers.Error) {
	header := probe.HeaderOf(sonarqube{}.HeadersFor(sonarqubeAPIKey, r[sonarqubeScheme], c.cred))
	header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.Change(ctx, http.MethodPost, c.root+path, header, []byte(form.Encode()))
}

// judgeGenerated judges the refusals of GenerateAction of SonarSource/sonarqube. That a
// name is taken is no proof that nothing was made: nobody else chooses this one.
func (c sonarqubeCheck) judgeGenerated(res *upstream.Response) *providers.Error {
	said := sonarqubeSays(res)
	switch {
	case res.Status != http.StatusBadRequest || said == "" || probe.NotAnAPI(res):
		return c.judge(res)
	case strings.Contains(said, "already exists"):
		return c.Fail(providers.UpstreamError, "%q says that a token of the name that was chosen for the new one exists already (HTTP 400); try again", res.Host)
	case strings.Contains(said, "expir"), strings.Contains(said, "lifetime"):
		return c.Fail(providers.InsufficientScope, "SonarQube does not take the end of life that the new token was to have; its administrator allows shorter lives only")
	}
	return c.Fail(providers.InsufficientScope, "SonarQube refuses to make another token (HTTP 400)")
}

// successor believes in a token only if it is the one that was asked for, of the same
// user.
func (c sonarqubeCheck) successor(res *upstream.Response, r providers.Rotation) (providers.Successor, *providers.Error) {
	var made struct {
		Login          string `json:"login"`
		Name           string `json:"name"`
		Token          string `json:"token"`
		Type           string `json:"type"` // since 9.5
		ExpirationDate string `json:"expirationDate"`
	}
	if err := c.JSON(res, &made); err != nil {
		return providers.Successor{}, err
	}
	token := providers.NewSecret(made.Token)
	switch {
	case made.Login != c.username:
		return providers.Successor{}, c.Fail(providers.UpstreamError, "%q answered with a token of another user; something in between changes requests", res.Host)
	case made.Name != r[sonarqubeName] || made.Type != "" && made.Type != "USER_TOKEN" || !probe.IsSuccessor(made.Token, c.cred.Value(sonarqubeAPIKey)) || c.refuseKind(token) != nil:
		return providers.Successor{}, c.Fail(providers.UpstreamError, "%q answered HTTP 200 without a token that could be used", res.Host)
	}
	return providers.Successor{Credential: c.cred.With(sonarqubeAPIKey, token), ExpiresAt: parseSonarQubeTime(made.ExpirationDate)}, nil
}

// Finish revokes the token before, if the engine made it. That which a person entered
// has a name that nobody knows here, and is left alone.
func (s sonarqube) Finish(ctx context.Context, t providers.Target, successor providers.Credential, r providers.Rotation) error {
	name := r[sonarqubeReplaces]
	if !isOwnSonarQubeName(name) || name == r[sonarqubeName] {
		return nil
	}
	c, err := s.open(t, successor)
	if err != nil {
		return err
	}
	ctx, cancel := probe.WithTimeout(ctx, t)
	defer cancel()
	if err := c.revoke(ctx, name, r); err != nil {
		return err
	}
	return nil
}

// revoke: https://next.sonarqube.com/sonarqube/web_api/api/user_tokens/revoke
// RevokeAction of SonarSource/sonarqube answers 204, also where there is no such token.
func (c sonarqubeCheck) revoke(ctx context.Context, name string, r providers.Rotation) *providers.Error {
	res, err := c.submit(ctx, "/api/user_tokens/revoke", r, url.Values{"name": {name}})
	switch {
	case err != nil:
		return err
	case res.Status == http.StatusNoContent, res.Status == http.StatusNotFound && saysErrors(res):
		return nil
	case res.Status == http.StatusOK:
		return c.Unexpected(res)
	}
	return c.judge(res)
}

// Recover removes a token that was made and that nobody has. Where the one before has
// ended by then, it can remove nothing, and the other stays upstream under its name.
func (s sonarqube) Recover(ctx context.Context, t providers.Target, cred providers.Credential, r providers.Rotation) (bool, error) {
	c, err := s.open(t, cred)
	if err == nil && !isOwnSonarQubeName(r[sonarqubeName]) {
		err = c.Unprepared()
	}
	if err != nil {
		return false, err
	}
	ctx, cancel := probe.WithTimeout(ctx, t)
	defer cancel()
	v, err := c.owner(ctx)
	if err != nil {
		return probe.Lives(err)
	}
	if err := c.revoke(ctx, r[sonarqubeName], providers.Rotation{sonarqubeScheme: v.Scheme}); err != nil {
		return true, err
	}
	return true, nil
}
