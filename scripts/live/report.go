package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"vault-plugin-secrets-sei/acceptance/canary"
	"vault-plugin-secrets-sei/providers"
)

// report is what is printed.
type report struct {
	plan    plan
	results []result
	version string
	date    time.Time
}

// write prints all of it, or nothing but a reason. It fails if a check did not end as it
// should.
func (r report) write(out io.Writer) error {
	answers, err := r.answers()
	if err != nil {
		return err
	}
	var text bytes.Buffer
	fmt.Fprintf(&text, "%s, auth type %s, tried on %s by version %s\n\n", r.plan.provider, r.plan.auth.Name, r.date.Format(time.DateOnly), r.version)
	fmt.Fprintf(&text, "%-10s%-24s%s\n", "", "expected", "got")
	failed := 0
	for _, res := range r.results {
		mark := ""
		if !res.ok() {
			failed++
			mark = "   <- not as expected"
		}
		fmt.Fprintf(&text, "%-10s%-24s%s%s\n", res.name, word(res.want), word(res.got), mark)
	}
	for _, name := range r.plan.without {
		fmt.Fprintf(&text, "%-10snot tried: the environment has no such credential\n", name)
	}
	fmt.Fprintf(&text, "\nThe answers, to be read once more before they are sent to anybody:\n\n%s", answers)
	if _, err := out.Write(text.Bytes()); err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d checks did not end as expected", failed, len(r.results))
	}
	return nil
}

func word(o providers.Outcome) string {
	if o == "" {
		return "works"
	}
	return string(o)
}

// answers are those of all attempts in JSON, one after the other. If anything that was
// entered is still in them, there are none.
func (r report) answers() (string, error) {
	s := r.scrubber()
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	for _, res := range r.results {
		for i, e := range res.exchanges {
			a := s.answer(e)
			a.Case = fmt.Sprintf("live_%s_%d", res.name, i+1)
			a.Source = fmt.Sprintf("tried live on %s by make live of version %s", r.date.Format("2 January 2006"), r.version)
			a.Note = strings.ToUpper(a.Note[:1]) + a.Note[1:] + "."
			if err := encoder.Encode(a); err != nil {
				return "", errors.New("an answer cannot be written as JSON")
			}
		}
	}
	if found := r.secrets().Needles().In(text.String()); len(found) > 0 {
		return "", fmt.Errorf("nothing is printed, because the answers would still hold %s; that is a fault of this command", found[0])
	}
	return text.String(), nil
}

// secrets are what was entered, and who it is of.
func (r report) secrets() *canary.Set {
	var set canary.Set
	for _, res := range r.results {
		for _, field := range r.plan.auth.Fields {
			for _, secret := range res.cred.Values(field.Name) {
				set.Add(field.Name, secret.Reveal())
			}
		}
		for _, who := range res.who {
			set.Add("identity", who)
		}
	}
	for name, secret := range r.plan.settings.Secrets {
		set.Add(name, secret.Reveal())
	}
	return &set
}

// scrubber knows what was entered, and whom the answers speak of.
func (r report) scrubber() *scrubber {
	s := newScrubber()
	for _, named := range r.plan.named {
		s.learn(named)
	}
	for _, authority := range r.plan.hosts {
		host, _, _ := net.SplitHostPort(authority)
		s.learn(ownName(host))
	}
	for _, res := range r.results {
		r.learnEntered(s, res)
		for _, who := range res.who {
			s.learn(who)
		}
		for _, e := range res.exchanges {
			s.learnFrom(e.body)
		}
	}
	return s
}

// ownName is what of a host is not a vendor's: all of it, or what stands before the domain in
// which a vendor gives each customer a name.
func ownName(host string) string {
	for _, vendor := range []string{"github.com", "atlassian.com", "bitbucket.org", "azure.com", "gitlab.com", "sonarcloud.io", "sonarqube.us", "app.harness.io"} {
		if host == vendor || strings.HasSuffix(host, "."+vendor) {
			return ""
		}
	}
	for _, vendor := range []string{".atlassian.net", ".ghe.com", ".visualstudio.com", ".harness.io"} {
		if name, customer := strings.CutSuffix(host, vendor); customer {
			return name
		}
	}
	return host
}

func (r report) learnEntered(s *scrubber, res result) {
	for _, field := range r.plan.auth.Fields {
		for _, value := range res.cred.Values(field.Name) {
			if field.Kind.Secret() {
				s.hide(value.Reveal())
			} else {
				s.learn(value.Reveal())
			}
		}
	}
}
