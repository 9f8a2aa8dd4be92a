package acceptance_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	// askLimit bounds a request of the load.
	askLimit = 15 * time.Second
	// settleLimit bounds every wait for what a disturbance held up.
	settleLimit = 60 * time.Second
)

// load is writers and readers who go on whatever happens. A client asks once: what is
// acknowledged is one answer to one request.
type load struct {
	servers  []*server
	clients  []*api.Client
	fakes    *fakes
	upstream *http.Client
	subjects []*subject
	pulse    pulse
	ctx      context.Context //nolint:containedctx // of all requests; stop ends it
	end      context.CancelFunc
	running  sync.WaitGroup
}

// startLoad mounts the engine, enters the first credential of each subject and begins.
func startLoad(t *testing.T, servers []*server) *load {
	t.Helper()
	servers[0].mount(t, "sei")
	fakes := startFakes(t)
	l := &load{servers: servers, fakes: fakes, upstream: fakes.client(t)}
	if transport, ok := l.upstream.Transport.(*http.Transport); assert.True(t, ok) {
		transport.DisableKeepAlives = false // handshakes would be most of the work
		t.Cleanup(transport.CloseIdleConnections)
	}
	l.ctx, l.end = context.WithCancel(t.Context())
	t.Cleanup(l.stop)
	l.subjects = subjects(fakes, servers[0].addr+"/v1/sei/oauth/callback")
	configure(t, servers[0], fakes, l.subjects)
	for _, s := range servers {
		l.clients = append(l.clients, s.client(t))
	}
	for _, s := range l.subjects {
		require.NoError(t, l.write(l.clients[0], s, true), "the first credential of %s", s.name)
	}
	for _, s := range l.subjects {
		l.running.Go(func() { l.keepWriting(s) })
	}
	l.running.Go(func() { l.keepWriting(l.subjects[0]) }) // two writers of one record
	for range 4 {
		l.running.Go(l.keepReading)
	}
	return l
}

// stop ends the load and waits for it.
func (l *load) stop() {
	l.end()
	l.running.Wait()
}

// pause waits up to d, and returns false at the end.
func (l *load) pause(d time.Duration) bool {
	timer := time.NewTimer(rand.N(d))
	defer timer.Stop()
	select {
	case <-l.ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

func (l *load) anyClient() *api.Client { return l.clients[rand.N(len(l.clients))] }

func (l *load) keepWriting(s *subject) {
	wait := 60 * time.Millisecond
	if s.rotates() {
		wait = 400 * time.Millisecond
	}
	for l.pause(wait) {
		if l.write(l.anyClient(), s, false) != nil && !l.pause(200*time.Millisecond) {
			return
		}
	}
}

// write is one write of a subject; first is for the one that begins. It returns nil if
// it was acknowledged.
func (l *load) write(client *api.Client, s *subject, first bool) error {
	switch {
	case s.consent != nil:
		label, body, err := l.begin(client, s)
		if err != nil {
			return err
		}
		return l.send(client, s, label, "sei/reauth/"+s.anyName(), body)
	case s.rotates() && !first:
		return l.send(client, s, "", "sei/rotate/"+s.anyName(), nil)
	default:
		n := s.number()
		return l.send(client, s, fmt.Sprintf("-n%d", n), "sei/reauth/"+s.anyName(), s.enter(n))
	}
}

func (s *subject) anyName() string { return s.names[rand.N(len(s.names))] }

// begin begins an authorization and lets a person consent.
func (l *load) begin(client *api.Client, s *subject) (label string, body map[string]any, err error) {
	ctx, cancel := context.WithTimeout(l.ctx, askLimit)
	defer cancel()
	begun, err := client.Logical().WriteWithContext(ctx, "sei/oauth/authorize/"+s.anyName(), nil)
	if err != nil {
		return "", nil, err
	}
	url, _ := begun.Data["authorize_url"].(string)
	n := s.number()
	body, err = s.consent(n, url)
	if err != nil {
		s.refuse("consent", err)
	}
	return fmt.Sprintf("-n%d", n), body, err
}

// send sends a write and enters its answer.
func (l *load) send(client *api.Client, s *subject, label, path string, body map[string]any) error {
	ctx, cancel := context.WithTimeout(l.ctx, askLimit)
	defer cancel()
	answer, err := client.Logical().WriteWithContext(ctx, path, body)
	if err == nil && answer == nil {
		err = errors.New("the answer is empty")
	}
	switch {
	case err == nil:
		done := told(answer.Data)
		if label != "" && !s.rotates() {
			done.label = label
		}
		s.acknowledge(done)
	case l.ctx.Err() != nil, notSent(err):
	case usedUp(err), !refused(err): // a used code may be Vault's, which asks a plugin again that died
		s.unanswer(label)
	default:
		s.refuse("write to "+path, err)
	}
	return err
}

// notSent reports whether no server can have carried the request out.
func notSent(err error) bool {
	return strings.Contains(err.Error(), "connection refused") || strings.Contains(err.Error(), "Vault is sealed") ||
		strings.Contains(err.Error(), "active cluster node not found")
}

func usedUp(err error) bool {
	return strings.Contains(err.Error(), "oauth_state_invalid")
}

// refused reports whether an answer blames the client.
func refused(err error) bool {
	var answer *api.ResponseError
	return errors.As(err, &answer) && answer.StatusCode < http.StatusInternalServerError
}

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

// ask reads a path. A refusal is noted; nil says that nobody answered.
func (l *load) ask(client *api.Client, s *subject, path string) map[string]any {
	floor := s.since()
	ctx, cancel := context.WithTimeout(l.ctx, askLimit)
	defer cancel()
	secret, err := client.Logical().ReadWithContext(ctx, path)
	switch {
	case l.ctx.Err() != nil:
	case err != nil && refused(err):
		s.refuse("read of "+path, err)
	case err != nil:
	case secret == nil:
		s.missing(floor)
	default:
		return secret.Data
	}
	return nil
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
	if s.name == "pool" || s.consent != nil {
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

// so returns what was counted so far, and what is wrong.
func (l *load) so() (sum tally, complaints []string) {
	for _, s := range l.subjects {
		count, wrong := s.so()
		sum, complaints = sum.plus(count), append(complaints, wrong...)
	}
	return sum, complaints
}

// pulse measures the longest time without a served read.
type pulse struct {
	mu      sync.Mutex
	last    time.Time
	longest time.Duration
}

func (p *pulse) beat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.last.IsZero() {
		p.longest = max(p.longest, time.Since(p.last))
	}
	p.last = time.Now()
}

// take returns the longest pause so far and begins anew.
func (p *pulse) take() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	longest := p.longest
	p.longest = 0
	return longest
}
