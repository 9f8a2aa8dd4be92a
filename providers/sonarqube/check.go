package sonarqube

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/probe"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// sonarqubeFirstBearer is the first major version that reads Bearer.
// https://github.com/dieuhd/sonar-quality-gate/issues/60
const sonarqubeFirstBearer = 10

// sonarqubeCheck is one check of one token.
type sonarqubeCheck struct {
	probe.Probe
	root         string // without slash at its end
	cloud        bool
	organization string
	cred         providers.Credential
	username     string
}

// run asks whose the token is, and whether its owner is a member.
func (c sonarqubeCheck) run(ctx context.Context) (providers.Verified, *providers.Error) {
	v, err := c.owner(ctx)
	if err != nil {
		return providers.Verified{}, err
	}
	return v, c.member(ctx, v.Scheme)
}

// owner finds the scheme that works. A refusal of Bearer counts where the server is
// known to read it: others ignore it, and answer as to nobody or, where all must
// log in, refuse nobody in one form or another.
func (c sonarqubeCheck) owner(ctx context.Context) (providers.Verified, *providers.Error) {
	v, read, err := c.current(ctx, sonarqubeBearer)
	if !read && !c.readsBearer(ctx) {
		v, _, err = c.current(ctx, sonarqubeBasic)
	}
	return v, err
}

// current asks who is logged in. read is false where the answer may be that of a
// server which did not look at the token.
// https://next.sonarqube.com/sonarqube/web_api/api/users/current
func (c sonarqubeCheck) current(ctx context.Context, scheme string) (v providers.Verified, read bool, _ *providers.Error) {
	res, err := c.ask(ctx, "/api/users/current", scheme)
	if err != nil {
		return providers.Verified{}, !refusesAnyone(res), err
	}
	var user sonarqubeUser
	if err := c.JSON(res, &user); err != nil {
		return providers.Verified{}, true, err
	}
	if err := c.judgeUser(res, user); err != nil {
		return providers.Verified{}, user.IsLoggedIn == nil || *user.IsLoggedIn, err
	}
	told := res.Header.Get("SonarQube-Authentication-Token-Expiration")
	v = providers.Verified{
		Identity: user.Login, AccountID: probe.Printable(user.ID), Scheme: scheme,
		ExpiresAt: parseSonarQubeTime(told), NoEnd: told == "",
	}
	if probe.EndUnread(v.ExpiresAt, v.NoEnd) {
		v.Warnings = []string{"the token " + probe.UnreadEnd}
	}
	return v, true, nil
}

// refusesAnyone reports whether an answer could be the one to a request without a
// credential.
func refusesAnyone(res *upstream.Response) bool {
	return res != nil && (res.Status == http.StatusUnauthorized || res.Status == http.StatusForbidden)
}

// sonarqubeUser is what SonarQube tells of the one who is logged in, if anybody is.
type sonarqubeUser struct {
	IsLoggedIn *bool  `json:"isLoggedIn"`
	Login      string `json:"login"`
	ID         string `json:"id"` // newer servers
}

func (c sonarqubeCheck) judgeUser(res *upstream.Response, user sonarqubeUser) *providers.Error {
	switch {
	case user.IsLoggedIn == nil:
		return c.Fail(providers.UpstreamError, "%q answered HTTP 200 without saying whether anybody is logged in; check url", res.Host)
	case !*user.IsLoggedIn:
		// A token that the server reads and does not know is a 401.
		return c.Fail(providers.UpstreamError, "%q answered as if nobody had logged in, so it did not see the token: something in between removes the header Authorization, or url leads elsewhere", res.Host)
	case probe.Printable(user.Login) == "" || probe.Printable(user.Login) != user.Login:
		return c.Fail(providers.UpstreamError, "%q answered HTTP 200 without naming an account; check url", res.Host)
	case user.Login == c.username:
		return nil
	}
	e := c.Fail(providers.IdentityMismatch, "the token works, but belongs to another user than the one entered")
	if strings.EqualFold(user.Login, c.username) {
		e.Detail = "the token works, but the login of its user has other upper and lower case letters than the user name entered"
	}
	e.Fields = []string{sonarqubeUsername}
	return e
}

// ask sends a request with the token and judges everything but a 200. The answer
// comes with its judgement, if there is one.
func (c sonarqubeCheck) ask(ctx context.Context, path, scheme string) (*upstream.Response, *providers.Error) {
	res, err := c.Get(ctx, c.root+path, probe.HeaderOf(sonarqube{}.HeadersFor(sonarqubeAPIKey, scheme, c.cred)))
	if err != nil {
		return nil, err
	}
	return res, c.judge(res)
}

// judge finds what an answer says of the token; nil means that the body has to
// prove it.
func (c sonarqubeCheck) judge(res *upstream.Response) *providers.Error {
	if err := c.Undecided(res); err != nil {
		return err
	}
	switch {
	case res.Status == http.StatusOK:
		return nil
	case probe.NotAnAPI(res):
		return c.Page(res)
	case refusesAnyone(res) && probe.RefusesAddress(sonarqubeSays(res)):
		return c.AddressNotListed("SonarQube")
	case res.Status == http.StatusUnauthorized:
		return c.unauthorized(res)
	case res.Status == http.StatusForbidden && saysErrors(res):
		return c.Fail(providers.InsufficientScope, "the token works, but its user has too few rights (HTTP 403)")
	case res.Status == http.StatusNotFound:
		return c.Fail(providers.UpstreamError, "%q has no SonarQube API at this address (HTTP 404); check url and its context path", res.Host)
	}
	return c.Unexpected(res)
}

// unauthorized believes in a 401 that has nothing but its status: that is how SonarQube
// refuses a token. Where it demands a login of somebody without one, it says so.
//
// UserSessionInitializer and UnauthorizedException of SonarSource/sonarqube
func (c sonarqubeCheck) unauthorized(res *upstream.Response) *providers.Error {
	switch {
	case saysErrors(res):
		return c.NotSeen(res)
	case len(res.Body) > 0 || res.Header.Get("Www-Authenticate") != "":
		return c.Foreign(res, "SonarQube")
	}
	return c.Fail(providers.Rejected, "%q refused the token (HTTP 401): it is wrong, expired or revoked", res.Host)
}

// saysErrors reports whether the answer has the form of SonarQube's refusals.
func saysErrors(res *upstream.Response) bool { return sonarqubeSays(res) != "" }

// sonarqubeSays returns the messages of a refusal, a line each, in lower case; "" where
// the answer has another form. They are only matched, never quoted.
func sonarqubeSays(res *upstream.Response) string {
	var said struct {
		Errors []struct {
			Msg string `json:"msg"`
		} `json:"errors"`
	}
	if !res.Peek(&said) || len(said.Errors) == 0 {
		return ""
	}
	var lines []string
	for _, e := range said.Errors {
		if e.Msg != "" {
			lines = append(lines, e.Msg)
		}
	}
	return strings.ToLower(strings.Join(lines, "\n"))
}

// readsBearer reports whether the server is sure to read Bearer. The version is
// told to anybody, so the token is not sent.
// https://next.sonarqube.com/sonarqube/web_api/api/server/version
func (c sonarqubeCheck) readsBearer(ctx context.Context) bool {
	if c.cloud {
		return true
	}
	res, err := c.Get(ctx, c.root+"/api/server/version", http.Header{"Accept": {"text/plain, application/json"}})
	if err != nil || res.Status != http.StatusOK {
		return false
	}
	major, ok := parseSonarQubeVersion(string(res.Body))
	return ok && major >= sonarqubeFirstBearer
}

var sonarqubeVersionForm = regexp.MustCompile(`^\s*(\d{1,4})(\.\d+)+\s*$`)

// parseSonarQubeVersion reads the first number of 9.9.4.87374, 10.8.1 or 2025.1.
func parseSonarQubeVersion(text string) (major int, ok bool) {
	m := sonarqubeVersionForm.FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	major, err := strconv.Atoi(m[1])
	return major, err == nil
}

// member demands that the owner of the token belongs to the organization. Public
// organizations are told to anybody, hence member=true.
func (c sonarqubeCheck) member(ctx context.Context, scheme string) *providers.Error {
	if c.organization == "" {
		return nil
	}
	res, err := c.ask(ctx, "/api/organizations/search?member=true&organizations="+url.QueryEscape(c.organization), scheme)
	switch {
	case err != nil && err.Outcome == providers.Rejected:
		return c.RefusedLater(res)
	case err != nil:
		return err
	}
	var list struct {
		Organizations *[]sonarqubeKey `json:"organizations"`
	}
	if err := c.JSON(res, &list); err != nil {
		return err
	}
	if list.Organizations == nil {
		return c.Fail(providers.UpstreamError, "%q answered HTTP 200 without a list of organizations; check url", res.Host)
	}
	if slices.Contains(*list.Organizations, sonarqubeKey{c.organization}) {
		return nil
	}
	e := c.Fail(providers.InsufficientScope, "the token works, but its user is no member of the organization %s, or there is none of that key", c.organization)
	e.Missing = []string{c.organization}
	return e
}

type sonarqubeKey struct {
	Key string `json:"key"`
}

// parseSonarQubeTime reads the time of an expiry, whose offset has no colon. The
// zero time means none.
func parseSonarQubeTime(text string) time.Time {
	return probe.ParseEnd("2006-01-02T15:04:05-0700", text)
}
