package sei

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
)

// A stolen token for reauth/ that sends 240 wrong credentials keeps nobody from pinning the
// account, forgetting or deleting, and is told that it sends too many.
func TestAStolenTokenDoesNotHoldTheBrakes(t *testing.T) {
	m := withJira(t)
	const takes = 300 * time.Millisecond
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(takes)
		m.jira.ServeHTTP(w, r)
	}))
	defer slow.Close()
	m.write(t, "integrations/slow", body{"provider": "jira", "auth_type": "api_key", "url": slow.URL})
	m.write(t, "reauth/slow", body{"email": email, "api_key": "key-1"})

	var flood sync.WaitGroup
	var mu sync.Mutex
	busy, arrived := 0, make(chan struct{}, 240)
	for range 240 {
		flood.Go(func() {
			arrived <- struct{}{}
			r := m.do(t, logical.UpdateOperation, "reauth/slow", body{"email": email, "api_key": "wrong"})
			if r.data["code"] != "busy" {
				return
			}
			assert.Equal(t, 400, r.status)
			assert.Positive(t, r.data["retry_after"])
			assert.Contains(t, r.message, "version 1 stays in use")
			mu.Lock()
			defer mu.Unlock()
			busy++
		})
	}
	for range cap(arrived) {
		<-arrived
	}
	begun := time.Now()
	m.write(t, "integrations/slow", body{"provider": "jira", "auth_type": "api_key", "pin_identity": true})
	m.ok(t, logical.DeleteOperation, "creds/slow", nil)
	m.ok(t, logical.DeleteOperation, "integrations/slow", nil)
	assert.Less(t, time.Since(begun), 10*takes, "each waits for the check under way")
	flood.Wait()
	assert.GreaterOrEqual(t, busy, 240-40)
	assert.Equal(t, "key-1", m.read(t, "creds/jira")["api_key"], "another integration does not notice")
}

// A write that changes nothing of an integration does not wait for a check, and ends none.
func TestAWriteThatChangesNothingEndsNoCheck(t *testing.T) {
	m := withJira(t)
	asked, answer := make(chan struct{}, 16), make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-answer
		m.jira.ServeHTTP(w, r)
	}))
	defer slow.Close()
	m.write(t, "integrations/slow", body{"provider": "jira", "auth_type": "api_key", "url": slow.URL, "description": "x", "labels": body{"a": "b"}})
	done := make(chan reply, 1)
	var check sync.WaitGroup
	check.Go(func() {
		done <- m.do(t, logical.UpdateOperation, "reauth/slow", body{"email": email, "api_key": "key-1"})
	})
	<-asked
	begun := time.Now()
	m.write(t, "integrations/slow", body{"description": "x", "labels": body{"a": "b"}, "url": slow.URL})
	assert.Less(t, time.Since(begun), 2*time.Second)
	close(answer)
	check.Wait()
	r := <-done
	assert.Zero(t, r.status, r.message)
}
