package torture_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"
)

// keepReading is a worker of the load: it reads and uses what it reads.
func (l *load) keepReading() {
	for n := 0; l.pause(50 * time.Millisecond); n++ {
		s := l.subjects[rand.N(len(l.subjects))]
		client := l.anyClient()
		served := l.read(client, s, s.anyName())
		if served && n%4 == 0 {
			served = l.readHistory(client, s, s.anyName())
		}
		if !served && !l.pause(100*time.Millisecond) {
			return
		}
	}
}

// ask reads a path. A refusal is noted; nil says that nobody answered. Not found, in the
// engine's words, is a loss; in Vault's words it has no mount while its leader changes.
func (l *load) ask(client *api.Client, s *subject, path string) map[string]any {
	return l.askFor(client, s, path, nil)
}

// askFor is ask with a query. It is recorded.
func (l *load) askFor(client *api.Client, s *subject, path string, query map[string][]string) map[string]any {
	ended := l.begins(client, s, path)
	data, none := l.fetch(client, s, path, query)
	ended(shown(s, path, data, none))
	return data
}

// fetch returns an answer, or that the engine has no credential.
func (l *load) fetch(client *api.Client, s *subject, path string, query map[string][]string) (data map[string]any, none bool) {
	floor := s.since()
	ctx, cancel := context.WithTimeout(l.ctx, askLimit)
	defer cancel()
	answer, err := client.Logical().ReadRawWithDataWithContext(ctx, path, query)
	if answer != nil {
		defer func() { _ = answer.Body.Close() }()
	}
	switch {
	case l.ctx.Err() != nil:
	case err == nil:
		if secret, err := api.ParseSecret(answer.Body); err == nil && secret != nil {
			return secret.Data, false
		}
		l.empty.Add(1)
	case answer != nil && answer.StatusCode == http.StatusNotFound:
		if !l.unmounted(err) {
			s.missing(floor, err)
			return nil, noCredential(err)
		}
	case blamed(err):
		s.refuse("read of "+path, err)
	}
	return nil, false
}

// read reads a credential and judges it: at the upstream, too.
func (l *load) read(client *api.Client, s *subject, name string) bool {
	floor := s.since()
	data := l.ask(client, s, "sei/creds/"+name)
	if data == nil {
		return false
	}
	l.pulse.beat()
	if parts, same := whole(data); !same {
		s.torn("%s serves %s", name, parts)
		return true
	}
	s.served(floor, l.identified(s, told(data)))
	why := l.try(s, data)
	if why == nil {
		return true
	}
	// It may have ended meanwhile, and then there is another one by now.
	again := l.ask(client, s, "sei/creds/"+name)
	if again != nil && again["fingerprint"] == data["fingerprint"] && l.ctx.Err() == nil {
		s.torn("version %v, which %s serves, does not work: %v", data["version"], name, why)
	}
	return true
}

// identified leaves the fingerprint out where it is not that of the version: of a pool
// it is a member's, and that of an access token changes.
func (l *load) identified(s *subject, d swap) swap {
	if s.lasts && d.label == d.fingerprint {
		d.label = "" // nothing else tells it
	}
	if s.name == "pool" || s.consent != nil || s.lasts {
		d.fingerprint = ""
	}
	return d
}

// try uses a credential as a worker does.
func (l *load) try(s *subject, data map[string]any) error {
	request, err := http.NewRequestWithContext(l.ctx, http.MethodGet, s.address, nil)
	if err != nil {
		return err
	}
	headers, _ := data["headers"].(map[string]any)
	for name, value := range headers {
		request.Header.Set(name, fmt.Sprint(value))
	}
	answer, err := l.upstream.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	body, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	label, _ := whole(data)
	if answer.StatusCode != http.StatusOK || !strings.Contains(string(body), label) {
		return fmt.Errorf("the upstream answers %d, and not with the account %s", answer.StatusCode, label)
	}
	return nil
}

// readHistory reads a history and judges it.
func (l *load) readHistory(client *api.Client, s *subject, name string) bool {
	floor := s.since()
	data := l.ask(client, s, "sei/history/"+name)
	if data == nil {
		return false
	}
	list, _ := data["entries"].([]any)
	entries := make([]swap, 0, len(list))
	for _, item := range list {
		entry, _ := item.(map[string]any)
		entries = append(entries, told(entry))
	}
	s.history(floor, historyLimit, entries)
	return true
}
