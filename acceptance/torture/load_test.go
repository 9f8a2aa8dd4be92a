package torture_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
	"vault-plugin-secrets-sei/internal/histories"
)

const (
	// askLimit bounds a request of the load.
	askLimit = 6 * time.Second
	// settleLimit bounds every wait for what a disturbance held up.
	settleLimit = 60 * time.Second
)

// load is writers and readers who go on whatever happens. A client asks once: what is
// acknowledged is one answer to one request.
type load struct {
	servers  []*harness.Server
	clients  []*api.Client
	fakes    *harness.Fakes
	upstream *http.Client
	subjects []*subject
	lasting  []*subject // what is read and never written
	recorder *histories.Recorder
	turned   *turns
	pulse    pulse
	unrouted atomic.Int64    // requests that found Vault without the mount
	empty    atomic.Int64    // reads that were answered with success and nothing
	ctx      context.Context //nolint:containedctx // of all requests; stop ends it
	end      context.CancelFunc
	running  sync.WaitGroup
}

// startLoad mounts the engine, enters the first credential of each subject and begins.
func startLoad(t *testing.T, fakes *harness.Fakes, servers []*harness.Server) *load {
	t.Helper()
	servers[0].Mount(t, "sei")
	for _, s := range servers {
		s.Reach(t, fakes.Addresses()...)
	}
	l := &load{servers: servers, fakes: fakes, upstream: fakes.Client(t), recorder: histories.NewRecorder()}
	if transport, ok := l.upstream.Transport.(*http.Transport); assert.True(t, ok) {
		transport.DisableKeepAlives = false // handshakes would be most of the work
		t.Cleanup(transport.CloseIdleConnections)
	}
	l.ctx, l.end = context.WithCancel(t.Context())
	t.Cleanup(l.stop)
	l.subjects = subjects(fakes, servers[0].Addr+"/v1/sei/oauth/callback")
	configure(t, servers[0], fakes, l.subjects)
	for _, s := range servers {
		client := s.Client(t)
		// Past the recorder, which would keep every answer of the load.
		require.NoError(t, client.SetAddress("http://"+s.Host()))
		l.clients = append(l.clients, client)
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
	l.turned = l.startTurns(t)
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
	ended := l.begins(client, s, path)
	answer, err := client.Logical().WriteWithContext(ctx, path, body)
	if err == nil && answer == nil {
		err = errors.New("the answer is empty")
	}
	var done swap
	if err == nil {
		done = told(answer.Data)
		if label != "" && !s.rotates() {
			done.label = label
		}
	}
	ended(answered(s, done, label, err))
	switch {
	case err == nil:
		s.acknowledge(done)
	case l.ctx.Err() != nil, notSent(err), l.unmounted(err):
	case usedUp(err), !blamed(err): // a used code may be Vault's, which asks a plugin again that died
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

// unmounted reports whether Vault, and not the engine, says not found, and counts that.
func (l *load) unmounted(err error) bool {
	if !strings.Contains(err.Error(), "no handler for route") {
		return false
	}
	l.unrouted.Add(1)
	return true
}

func usedUp(err error) bool {
	return strings.Contains(err.Error(), "oauth_state_invalid")
}

// blamed reports whether an answer blames the client.
func blamed(err error) bool {
	var answer *api.ResponseError
	return errors.As(err, &answer) && answer.StatusCode < http.StatusInternalServerError
}

// so returns what was counted so far, and what is wrong.
func (l *load) so() (sum tally, complaints []string) {
	for _, s := range slices.Concat(l.subjects, l.lasting) {
		count, wrong := s.so()
		sum, complaints = sum.plus(count), append(complaints, wrong...)
	}
	_, wrong := l.turned.so()
	complaints = append(complaints, wrong...)
	return sum, complaints
}
