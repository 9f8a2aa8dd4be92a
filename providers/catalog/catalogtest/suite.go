package catalogtest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/providertest"
)

// Situation is something that can happen to a check of any provider.
type Situation string

// The situations that every suite must have a case for, unless it says why not.
const (
	Good       Situation = "good"
	Bad        Situation = "bad"
	Expired    Situation = "expired"
	Revoked    Situation = "revoked"
	TooFew     Situation = "too few rights"
	WrongOwner Situation = "wrong owner"
	WrongOrg   Situation = "wrong organisation"
	Anonymous  Situation = "a 200 that proves nothing"
)

// Situations returns all of them.
func Situations() []Situation {
	return []Situation{Good, Bad, Expired, Revoked, TooFew, WrongOwner, WrongOrg, Anonymous}
}

// Case is a situation and the only right judgement of it.
type Case struct {
	// Name is a sentence.
	Name string
	// Situation is set where the case stands for one.
	Situation Situation
	// Arrange prepares the fakes.
	Arrange func(w *World)
	// Target is what is checked; Wire adds the way to the World.
	Target providers.Target
	// Credential is what is entered.
	Credential providers.Credential
	// Want is the outcome; "" means verified.
	Want providers.Outcome
	// Check looks closer and returns what is wrong; err is nil where verified.
	Check func(v providers.Verified, err *providers.Error) error
}

// Suite is what a provider must pass, or one of its auth types.
type Suite struct {
	// Provider is its name; Suites and Parts set it.
	Provider string
	// Parts are the suites of further auth types, by the title of each. They have a Good
	// case, the common faults and the situations of their own; Posts and Open are those of
	// the whole.
	Parts map[string]Suite
	// Good is a case that verifies; the common faults are tried on it.
	Good Case
	// FaultPath is the end of the path of the request that proves the credential.
	FaultPath string
	// Fake finds the fake that answers Good.
	Fake func(w *World) providertest.Fake
	// Cases are the provider's own.
	Cases []Case
	// Questions are all requests of a check that carry the credential.
	Questions []Question
	// Posts are the paths' ends of requests that are POSTs with a body although they
	// only ask.
	Posts []string
	// Open are the paths' ends of requests that need no credential and get none.
	Open []string
	// Without says why a situation cannot occur.
	Without map[Situation]string
	// Unlike says why a common fault is not tried, by its name: the upstream itself
	// answers so.
	Unlike map[string]string
}

// Suites returns the suite of every provider, by name. Its cases and questions are those
// of its parts, too.
func Suites() map[string]Suite {
	suites := ownSuites()
	for name, s := range suites {
		s.Provider = name
		for _, title := range slices.Sorted(maps.Keys(s.Parts)) {
			s.Questions = append(slices.Clip(s.Questions), s.Parts[title].Questions...)
		}
		suites[name] = s
	}
	return suites
}

// Parts returns the suites of Suites by name and those of their parts by name and title:
// what is tried on a Good case is tried on each of them.
func Parts() map[string]Suite {
	parts := map[string]Suite{}
	for name, s := range Suites() {
		parts[name] = s
		for title, part := range s.Parts {
			part.Provider = name
			parts[name+", "+title] = part
		}
	}
	return parts
}

func ownSuites() map[string]Suite {
	return map[string]Suite{
		"jira": jiraSuite(), "github": githubSuite(), "bitbucket": bitbucketSuite(),
		"azure_devops": azureSuite(), "harness": harnessSuite(),
		"gitlab": gitlabSuite(), "github_actions": githubActionsSuite(), "sonarqube": sonarqubeSuite().unlike("unauthorized_empty", "SonarQube's own 401 is empty: answer unauthorized_401_empty"),
	}
}

// Wire completes a target: the proxy and the authority of w, and only hosts of w
// allowed.
func (w *World) Wire(t providers.Target) providers.Target {
	t.Settings = t.Settings.Clone()
	t.Settings.Texts["proxy_url"] = w.ProxyURL()
	t.Settings.Texts["ca_cert"] = w.CAPEM()
	t.AllowedHosts = providertest.Must(providers.ParseAllowedHosts(w.AllowedHosts()))
	return t
}

// AllowedHosts returns the entries of allowed_hosts that lead into the World.
func (w *World) AllowedHosts() []string {
	entries := []string{w.ProxyURL()}
	for host := range w.Hosts() {
		entries = append(entries, host)
	}
	slices.Sort(entries)
	return entries
}

// All returns Good, the provider's own cases and one for each common fault, and the same
// of its parts, whose names begin with the part's title.
func (s Suite) All() []Case {
	cases := append(append([]Case{s.Good}, s.Cases...), s.faults()...)
	for _, title := range slices.Sorted(maps.Keys(s.Parts)) {
		for _, c := range s.Parts[title].All() {
			cases = append(cases, c.named(title+": "+c.Name))
		}
	}
	return cases
}

// faultTimeout is long for a loopback answer and short for a test.
const faultTimeout = 400 * time.Millisecond

// faults are the ways in which any upstream can fail. None of them may verify, and
// only a 401 says anything against the credential.
func (s Suite) faults() []Case {
	outcomes := FaultOutcomes()
	var cases []Case
	for _, name := range providertest.FaultNames() {
		want, ok := outcomes[name]
		if !ok || s.Unlike[name] != "" {
			continue
		}
		c := s.Good
		c.Name, c.Situation, c.Want, c.Check = "fault "+strings.ReplaceAll(name, "_", " "), "", want, nil
		fault, _ := providertest.NamedFault(name, ElsewhereURL+"/user")
		fault.Path = s.FaultPath
		arrange := s.Good.Arrange
		c.Arrange = func(w *World) { arrange(w); s.Fake(w).Behave(fault) }
		switch name {
		case "rate_limited":
			c.Check = retryAfter(7 * time.Second)
		case "redirect", "redirect_loop", "redirect_back", "redirect_nowhere":
			c.Check = says("redirect")
		}
		if want == providers.Unreachable {
			c.Target.Timeout = faultTimeout
		}
		cases = append(cases, c)
	}
	return cases
}

// FaultOutcomes returns the only right judgement of the named faults that are tried on
// every provider.
func FaultOutcomes() map[string]providers.Outcome {
	outcomes := map[string]providers.Outcome{
		"login_page": providers.UpstreamError, "signin_203": providers.UpstreamError, "redirect": providers.UpstreamError,
		"truncated_json": providers.UpstreamError, "wrong_types": providers.UpstreamError, "not_an_object": providers.UpstreamError,
		"empty_object": providers.UpstreamError, "two_values": providers.UpstreamError, "too_large": providers.UpstreamError,
		"forbidden_html": providers.UpstreamError, "not_found_html": providers.UpstreamError, "gone": providers.UpstreamError,
		"server_error": providers.UpstreamError, "bad_gateway_html": providers.UpstreamError, "unavailable": providers.UpstreamError,
		"unauthorized_empty": providers.UpstreamError, "unauthorized_html": providers.UpstreamError,
		"rate_limited": providers.RateLimited, "rate_limited_no_header": providers.RateLimited,
		"slow_headers": providers.Unreachable, "slow_body": providers.Unreachable,
		"reset": providers.Unreachable, "cut": providers.Unreachable,
		"redirect_loop": providers.UpstreamError, "redirect_back": providers.UpstreamError, "redirect_nowhere": providers.UpstreamError,
		"no_content": providers.UpstreamError, "nothing": providers.UpstreamError,
		"brotli": providers.UpstreamError, "zstd": providers.UpstreamError, "deflate": providers.UpstreamError, "not_gzip": providers.UpstreamError,
	}
	maps.Copy(outcomes, streamOutcomes())
	return outcomes
}

// streamOutcomes are those of answers that no HTTP server would give: what is too large
// or no answer of an API is an error of the upstream; after what is not HTTP, and what
// is not over in time, nobody knows.
func streamOutcomes() map[string]providers.Outcome {
	outcomes := map[string]providers.Outcome{}
	for _, name := range []string{
		"endless_body", "endless_space", "endless_chunks", "gzip_bomb", "gzip_of_nothing", "header_bomb", "endless_header", "endless_status",
		"endless_informational", "endless_http2", "deep_json", "many_values", "status_999", "after_the_end",
	} {
		outcomes[name] = providers.UpstreamError
	}
	for _, name := range []string{
		"drip_headers", "drip_body", "drip_chunks", "endless_extension", "endless_tiny_chunks", "endless_trailers", "garbage", "http2",
		"steering_words", "steering_status", "switching_protocols", "two_lengths", "negative_length", "huge_length", "status_000",
	} {
		outcomes[name] = providers.Unreachable
	}
	return outcomes
}

func (s Suite) unlike(fault, why string) Suite {
	unlike := map[string]string{fault: why}
	maps.Copy(unlike, s.Unlike)
	s.Unlike = unlike
	return s
}

func (c Case) arranged(arrange func(w *World)) Case { c.Arrange = arrange; return c }

func retryAfter(want time.Duration) func(providers.Verified, *providers.Error) error {
	return func(_ providers.Verified, err *providers.Error) error {
		if err.RetryAfter != want {
			return fmt.Errorf("RetryAfter is %v, want %v", err.RetryAfter, want)
		}
		return nil
	}
}

// says demands parts of the sentence.
func says(parts ...string) func(providers.Verified, *providers.Error) error {
	return func(_ providers.Verified, err *providers.Error) error {
		for _, p := range parts {
			if !strings.Contains(err.Detail, p) {
				return fmt.Errorf("the sentence %q does not say %q", err.Detail, p)
			}
		}
		return nil
	}
}

// credential makes one of name, value pairs.
func credential(pairs ...string) providers.Credential {
	values := map[string][]providers.Secret{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values[pairs[i]] = append(values[pairs[i]], providers.NewSecret(pairs[i+1]))
	}
	return providers.NewCredential(values)
}

func both(a, b check) check {
	return func(v providers.Verified, err *providers.Error) error { return errors.Join(a(v, err), b(v, err)) }
}

func equal[T comparable](what string, got, want T) error {
	if got != want {
		return fmt.Errorf("%s is %v, want %v", what, got, want)
	}
	return nil
}
