package torture_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
)

const (
	newsName  = "news"
	newsEmail = "news@example.com"
	newsKey   = "key-of-the-news"
)

// news is an integration whose credential is revoked and given back, in turn, and a
// target that must hear of each: once, and in order.
type news struct {
	receiver *harness.Receiver
	// want is what the target must have heard so far.
	want []string
}

// startNews configures both.
func (r *torture) startNews(t *testing.T) *news {
	t.Helper()
	n := &news{receiver: harness.StartReceiver(t)}
	for _, s := range r.servers {
		s.Reach(t, n.receiver.Address())
	}
	client := r.clients[0].Logical()
	r.fakes.World.Jira.AddAPIToken(newsEmail, newsKey)
	harness.Write(t, client, "sei/integrations/"+newsName, map[string]any{"provider": "jira", "auth_type": "api_key", "url": r.fakes.URLs["JIRA"], "health_check_interval": 0})
	harness.Write(t, client, "sei/reauth/"+newsName, map[string]any{"email": newsEmail, "api_key": newsKey})
	harness.Write(t, client, "sei/notify/ops", map[string]any{"url": n.receiver.Hook("of-the-news"), "settle": 0, "integrations": newsName})
	return n
}

// happens makes news: the engine knows of it when this returns, and is about to tell.
func (r *torture) happens(t *testing.T, n *news) {
	t.Helper()
	status, event := "needs_reauth", "needs_reauth"
	if len(n.want)%2 == 1 {
		status, event = "healthy", "recovered"
		r.fakes.World.Jira.AddAPIToken(newsEmail, newsKey)
	} else {
		r.fakes.World.Jira.Revoke(newsKey)
	}
	n.receiver.Answers(200, r.random.IntN(10) == 0) // now and then it takes a message and does not say so
	r.soon(t, "find that "+newsName+" is "+status, func() bool { return r.checked(t) == status })
	n.want = append(n.want, event)
}

// checked asks for the health of the integration now, "" where nobody answers.
func (r *torture) checked(t *testing.T) string {
	t.Helper()
	for _, client := range r.clients {
		if answer := checkNews(t.Context(), client); answer != "" {
			return answer
		}
	}
	return ""
}

func checkNews(ctx context.Context, client *api.Client) string {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	answer, err := client.Logical().WriteWithContext(ctx, "sei/health/"+newsName, nil)
	if err != nil || answer == nil {
		return ""
	}
	return fmt.Sprint(answer.Data["status"])
}

// isHeard demands that the target has heard of all that happened: nothing is lost, nothing
// is out of order, and nothing is told of twice but with its id. But a leader that has lost
// its peers cannot store that it tells, and tells all the same, as the engine promises; the
// next leader then tells it again.
func (r *torture) isHeard(t *testing.T, n *news) {
	t.Helper()
	n.receiver.Answers(200, false)
	r.soon(t, "tell all the news", func() bool { return len(n.receiver.Heard()) >= len(n.want) })
	heard := n.receiver.Heard()
	if r.parts {
		heard = slices.Compact(heard) // what is wanted never has the same twice in a row
	}
	require.Equal(t, n.want, heard, "seed %d", r.seed)
}
