package bitbucket

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/probe"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// serverAPI is the path of Data Center's API below the url; every version has 1.0.
const serverAPI = "/rest/api/1.0"

// Headers in which Data Center names who is logged in, percent-encoded, on every answer.
// They are in no reference, but Atlassian's own client reads the name
// (jenkinsci/atlassian-bitbucket-server-integration-plugin BitbucketUsernameClientImpl),
// and its staff advise it: community.developer.atlassian.com t/24422.
const (
	serverUserName = "X-Ausername"
	serverUserID   = "X-Auserid"
)

// serverCheck is one check of an HTTP access token of Bitbucket Data Center. Much of it is
// shown to anybody, so an answer proves the token only where it names who is logged in.
// https://confluence.atlassian.com/bitbucketserver/http-access-tokens-939515499.html
type serverCheck struct {
	probe.Probe
	root                string
	project, repository string // "" where none is demanded
	header              http.Header
}

// who is logged in, as the headers of an answer tell; the zero value is nobody.
type who struct{ name, id string }

func whoIs(res *upstream.Response) who {
	name, err := url.PathUnescape(res.Header.Get(serverUserName))
	if err != nil {
		return who{}
	}
	w := who{probe.Printable(name), probe.Printable(res.Header.Get(serverUserID))}
	if w.name == "" || strings.EqualFold(w.name, "anonymous") {
		return who{}
	}
	return w
}

// serverOf prepares the check of one target.
func (b bitbucket) serverOf(t providers.Target) (serverCheck, *providers.Error) {
	c := serverCheck{
		Probe: probe.New(b.client, "Bitbucket", bitbucketPAT, t), project: t.Settings.Text(bitbucketProject), repository: t.Settings.Text(bitbucketRepository),
	}
	u, err := c.Root(t.URL)
	if err != nil {
		return c, err
	}
	probe.TrimAPIPath(u, serverAPI, "/rest/api/latest", "/rest/api", "/rest")
	switch {
	case strings.TrimPrefix(strings.TrimPrefix(u.Hostname(), "www."), "api.") == bitbucketHost:
		return c, c.Invalid("url", "url is the root of your Bitbucket Data Center, with its context path; %s is Bitbucket Cloud, whose tokens have other auth types", bitbucketHost)
	case strings.Contains(u.Path+"/", "/projects/"), strings.Contains(u.Path+"/", "/users/"), strings.Contains(u.Path+"/", "/scm/"), strings.Contains(u.Path+"/", "/plugins/"):
		return c, c.Invalid("url", "url is the root of Bitbucket with its context path, not the address of a project or of another page")
	case t.Settings.Text(bitbucketWorkspace) != "":
		return c, c.Invalid(bitbucketWorkspace, "Bitbucket Data Center has no workspaces; set project, or leave workspace out")
	case c.repository != "" && c.project == "":
		return c, c.Invalid(bitbucketProject, "project is needed with repository: the key of the project that it is in")
	case c.project != "" && !projectForm.MatchString(c.project):
		return c, c.Invalid(bitbucketProject, "project is the key of a project, such as WEB, or ~ and the name of a user for a personal one")
	case c.repository != "" && !repositoryForm.MatchString(c.repository):
		return c, c.Invalid(bitbucketRepository, "repository is the name of a repository as in the browser's address")
	}
	c.root = u.String()
	return c, nil
}

// run asks for what anybody may ask, where the answer names who is logged in.
//
// https://developer.atlassian.com/server/bitbucket/rest/v1000/api-group-system-maintenance/#api-api-latest-application-properties-get
func (c serverCheck) run(ctx context.Context) (providers.Verified, *providers.Error) {
	res, err := c.ask(ctx, "/application-properties")
	if err != nil {
		return providers.Verified{}, err
	}
	var server struct {
		Version     string `json:"version"`
		DisplayName string `json:"displayName"`
	}
	if err := c.JSON(res, &server); err != nil {
		return providers.Verified{}, err
	}
	if server.Version == "" || !strings.HasPrefix(server.DisplayName, "Bitbucket") {
		return providers.Verified{}, c.Fail(providers.UpstreamError, "%q answered HTTP 200 without saying that it is a Bitbucket; check url and its context path", res.Host)
	}
	is := whoIs(res)
	if is == (who{}) {
		return providers.Verified{}, c.nobody(ctx)
	}
	v, err := c.described(ctx, is)
	if err != nil {
		return providers.Verified{}, err
	}
	return v, c.reaches(ctx, is)
}

// ask sends a question and judges everything but a 200.
func (c serverCheck) ask(ctx context.Context, path string) (*upstream.Response, *providers.Error) {
	res, err := c.Get(ctx, c.root+serverAPI+path, c.header)
	if err != nil {
		return nil, err
	}
	return res, c.judge(res)
}

// judge finds what an answer says of the token; nil means that the headers have to prove
// it. Data Center answers 401 to somebody without a right as well.
func (c serverCheck) judge(res *upstream.Response) *providers.Error {
	if err := c.Undecided(res); err != nil {
		return err
	}
	said := serverSaid(res)
	switch {
	case res.Status == http.StatusOK:
		return nil
	case said.captcha:
		return c.captcha()
	case said.unauthenticated && res.Status == http.StatusUnauthorized:
		return c.Fail(providers.Rejected, "%q refused the HTTP access token (HTTP 401): it is wrong, expired or revoked", res.Host)
	case said.own && probe.Refuses(res) && whoIs(res) != (who{}):
		return c.Fail(providers.InsufficientScope, "the token works, but has too few rights (HTTP %d)", res.Status)
	case said.unauthorized && probe.Refuses(res):
		return c.NotSeen(res)
	case res.Status == http.StatusNotFound:
		return c.Fail(providers.UpstreamError, "%q has no Bitbucket Data Center at this address (HTTP 404); check url and its context path", res.Host)
	case probe.NotAnAPI(res):
		return c.Page(res)
	case probe.Refuses(res):
		return c.Foreign(res, "Bitbucket Data Center")
	}
	return c.Unexpected(res)
}

func (c serverCheck) captcha() *providers.Error {
	e := c.Fail(providers.CaptchaRequired, "Bitbucket asks for a CAPTCHA after too many failed logins and did not look at the token; log in once with a browser as its user, then try again")
	e.URL, e.Unjudged = c.root, true
	return e
}

// nobody asks for what only somebody who is logged in may see, after an answer as to
// nobody: if the token is no good, Bitbucket has to say so now. That it answers is no
// proof, as nobody is named.
//
// https://developer.atlassian.com/server/bitbucket/rest/v1000/api-group-system-maintenance/#api-api-latest-users-get
func (c serverCheck) nobody(ctx context.Context) *providers.Error {
	res, err := c.ask(ctx, "/users?limit=1")
	if err != nil {
		return err
	}
	return c.Fail(providers.UpstreamError, "%q did not name who is logged in, so it is not known whether it looked at the token: something in between removes the header Authorization, or %s from the answer", res.Host, "X-AUSERNAME")
}

// described adds what the list of users tells of who is logged in. Only an account that is
// told not to be active fails a check.
func (c serverCheck) described(ctx context.Context, is who) (providers.Verified, *providers.Error) {
	user := c.user(ctx, is.name)
	if user.Active != nil && !*user.Active {
		return providers.Verified{}, c.Fail(providers.AccountBlocked, "the token works, but its account is deactivated in Bitbucket; ask an administrator to activate it")
	}
	return providers.Verified{Identity: cmp.Or(probe.Printable(user.EmailAddress), is.name), AccountID: cmp.Or(is.id, is.name)}, nil
}

// serverUser is what the list of users tells of one.
type serverUser struct {
	Name         string `json:"name"`
	EmailAddress string `json:"emailAddress"`
	Active       *bool  `json:"active"`
}

// user looks a user up by name; the zero value where that is not told. A token of a project or repository belongs to none that is
// listed, and need not see any.
func (c serverCheck) user(ctx context.Context, name string) serverUser {
	res, err := c.Get(ctx, c.root+serverAPI+"/users?limit=100&filter="+url.QueryEscape(name), c.header)
	var page struct {
		Values []serverUser `json:"values"`
	}
	if err != nil || res.Status != http.StatusOK || res.JSON(&page) != nil {
		return serverUser{}
	}
	i := slices.IndexFunc(page.Values, func(u serverUser) bool { return strings.EqualFold(u.Name, name) })
	if i < 0 {
		return serverUser{}
	}
	return page.Values[i]
}

// reaches demands that the token sees the project or repository. What is public is seen
// by anybody.
//
//   - https://developer.atlassian.com/server/bitbucket/rest/v1000/api-group-project/
//   - https://developer.atlassian.com/server/bitbucket/rest/v1000/api-group-repository/
func (c serverCheck) reaches(ctx context.Context, is who) *providers.Error {
	if c.project == "" {
		return nil
	}
	path, what := "/projects/"+url.PathEscape(c.project), "the project "+c.project
	if c.repository != "" {
		path, what = path+"/repos/"+url.PathEscape(c.repository), "the repository "+c.project+"/"+c.repository
	}
	res, err := c.Get(ctx, c.root+serverAPI+path, c.header)
	if err != nil {
		return err
	}
	if err := c.Undecided(res); err != nil {
		return err
	}
	said := serverSaid(res)
	switch {
	case said.captcha:
		return c.captcha()
	case said.unauthenticated:
		return c.RefusedLater(res)
	case said.own && probe.Refuses(res):
		e := c.Fail(providers.InsufficientScope, "the token works, but does not reach %s (HTTP %d), or there is none of that name; correct the settings, or make a token there", what, res.Status)
		e.Missing = []string{strings.TrimSuffix(c.project+"/"+c.repository, "/")}
		return e
	case res.Status != http.StatusOK && probe.Refuses(res):
		return c.Foreign(res, "Bitbucket Data Center")
	case res.Status != http.StatusOK:
		return c.Unexpected(res)
	}
	return c.names(res, is, what)
}

// names demands that a 200 names the project or repository, and the same user as before.
func (c serverCheck) names(res *upstream.Response, is who, what string) *providers.Error {
	var found struct {
		Key     string `json:"key"`
		Slug    string `json:"slug"`
		Project struct {
			Key string `json:"key"`
		} `json:"project"`
	}
	if err := c.JSON(res, &found); err != nil {
		return err
	}
	key := cmp.Or(found.Key, found.Project.Key)
	switch {
	case whoIs(res).name != is.name:
		return c.Fail(providers.UpstreamError, "%q named another user than a moment before, or none, when it was asked for %s; try again", res.Host, what)
	case !strings.EqualFold(key, c.project) || !strings.EqualFold(found.Slug, c.repository):
		return c.Fail(providers.UpstreamError, "%q answered HTTP 200 without naming %s; it may have been renamed or moved", res.Host, what)
	}
	return nil
}

// serverRefusal is what Data Center says with any status but a good one. It is only
// matched, never quoted.
type serverRefusal struct {
	own             bool // it has the form of its refusals
	unauthenticated bool // it looked at the credential, which is no good
	captcha         bool // it did not look, and wants a person
	unauthorized    bool // nobody is logged in, or somebody without a right
}

// serverSaid reads a refusal by the names of its exceptions.
//
//   - com.atlassian.bitbucket.auth.IncorrectPasswordAuthenticationException: recorded
//   - com.atlassian.bitbucket.auth.CaptchaRequiredAuthenticationException: jenkinsci/stashnotifier-plugin issue 263
//   - com.atlassian.bitbucket.AuthorisationException: sourcegraph/sourcegraph bitbucketserver provider tests, recorded without a login
func serverSaid(res *upstream.Response) serverRefusal {
	var said struct {
		Errors []struct {
			ExceptionName string `json:"exceptionName"`
		} `json:"errors"`
	}
	if !res.Peek(&said) {
		return serverRefusal{}
	}
	var names []string
	for _, e := range said.Errors {
		if strings.HasPrefix(e.ExceptionName, "com.atlassian.bitbucket.") {
			names = append(names, e.ExceptionName)
		}
	}
	has := func(part string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return strings.Contains(name, part) })
	}
	r := serverRefusal{own: len(names) > 0, captcha: has("CaptchaRequired"), unauthorized: has(".AuthorisationException")}
	r.unauthenticated = has("AuthenticationException") && !r.captcha
	return r
}
