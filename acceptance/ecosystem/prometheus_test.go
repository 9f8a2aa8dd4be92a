package ecosystem_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
	"vault-plugin-secrets-sei/internal/layer"
)

const prometheusDir = "../../examples/prometheus"

// prometheusLimit bounds what may have to be fetched.
const prometheusLimit = 10 * time.Minute

// alertLimit bounds the way from an upstream to the receiver of alerts.
const alertLimit = 90 * time.Second

// programs are those of Prometheus.
type programs struct{ prometheus, promtool, alertmanager string }

// findPrometheus finds them by scripts/prometheus.sh, which fetches them where the tests are
// required.
func findPrometheus(t *testing.T) programs {
	t.Helper()
	required := os.Getenv("SEI_ACCEPTANCE") == "required"
	var args []string
	if !required {
		args = []string{"--find"}
	}
	ctx, cancel := context.WithTimeout(t.Context(), prometheusLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "../../scripts/prometheus.sh", args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil && !required {
		t.Skip("no Prometheus and Alertmanager found; make check fetches them where it can")
	}
	require.NoError(t, err, "scripts/prometheus.sh")
	paths := strings.Fields(string(out))
	require.Len(t, paths, 3)
	return programs{paths[0], paths[1], paths[2]}
}

// A credential that is revoked upstream comes to a team as an alert, and the alert ends after
// the re-authentication: with the files of examples/prometheus, a token that can read the
// metrics and nothing else, and Prometheus and Alertmanager themselves. Only addresses are
// others, and pauses are shorter.
func TestPrometheus(t *testing.T) {
	layer.Check(t, "alerts by Prometheus and Alertmanager")
	t.Parallel()
	found := findPrometheus(t)
	server, fakes := harness.StartDev(t), harness.StartFakes(t)
	server.Mount(t, "sei")
	vault := server.Client(t).Logical()
	for _, key := range []string{"ATATT-prometheus-one", "ATATT-prometheus-two"} {
		fakes.World.Jira.AddAPIToken("ada@example.com", key)
	}
	harness.Write(t, vault, "sei/config", map[string]any{"allowed_hosts": "http://127.0.0.1", "health_check_interval": "2s"})
	harness.Write(t, vault, "sei/integrations/jira-prod", map[string]any{"provider": "jira", "auth_type": "api_key", "url": fakes.URLs["JIRA"]})
	harness.Write(t, vault, "sei/reauth/jira-prod", map[string]any{"email": "ada@example.com", "api_key": "ATATT-prometheus-one"})

	team := newTeam(t)
	watch := startPrometheus(t, found, server, team.URL)
	watch.await(t, `up{job="sei"} == 1`)
	watch.await(t, `vault_sei_integration_up{integration="jira-prod",provider="jira"} == 1`)
	watch.assertDashboard(t)

	fakes.World.Jira.Revoke("ATATT-prometheus-one")
	team.hears(t, "firing")
	harness.Write(t, vault, "sei/reauth/jira-prod", map[string]any{"email": "ada@example.com", "api_key": "ATATT-prometheus-two"})
	team.hears(t, "resolved")
	watch.await(t, `vault_sei_reauth_total{provider="jira",code="ok"} == 2`)
	assert.NotContains(t, strings.Join(team.told(), "\n"), "ada@example.com", "no account is told")
}

// What is scraped and what is alerted on is what Prometheus' own tool finds right.
func TestPromtool(t *testing.T) {
	layer.Check(t, "alerts by Prometheus and Alertmanager")
	t.Parallel()
	found := findPrometheus(t)
	server, fakes := harness.StartDev(t), harness.StartFakes(t)
	server.Mount(t, "sei")
	threeIntegrations(t, server, fakes)
	wornPool(t, server, fakes)
	scraped, err := server.Client(t).Logical().ReadRawWithContext(t.Context(), "sei/metrics")
	require.NoError(t, err)
	defer func() { _ = scraped.Body.Close() }()
	text, err := io.ReadAll(scraped.Body)
	require.NoError(t, err)
	require.Contains(t, string(text), "vault_sei_pool_tokens{")
	check := func(stdin io.Reader, args ...string) {
		cmd := exec.CommandContext(t.Context(), found.promtool, args...)
		cmd.Stdin, cmd.Dir = stdin, prometheusDir
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "promtool %v: %s", args, out)
		if args[1] == "metrics" {
			assert.Empty(t, string(out))
		}
	}
	check(bytes.NewReader(text), "check", "metrics")
	check(nil, "check", "rules", "alerts.yml")
	check(nil, "check", "config", "--syntax-only", "prometheus.yml")
	check(nil, "test", "rules", "alerts_test.yml")
}

// team is who gets the alerts.
type team struct {
	*httptest.Server
	messages chan string
	all      chan []string
}

func newTeam(t *testing.T) *team {
	t.Helper()
	tm := &team{messages: make(chan string, 1000), all: make(chan []string, 1)}
	tm.all <- nil
	tm.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		tm.all <- append(<-tm.all, string(body))
		tm.messages <- string(body)
	}))
	t.Cleanup(tm.Close)
	return tm
}

// told is all that the team heard.
func (tm *team) told() []string {
	all := <-tm.all
	tm.all <- all
	return all
}

// hears waits until the team is told that a credential needs somebody, or no longer does.
func (tm *team) hears(t *testing.T, status string) {
	t.Helper()
	deadline := time.After(alertLimit)
	for {
		select {
		case message := <-tm.messages:
			var told struct {
				Alerts []struct {
					Status      string
					Labels      map[string]string
					Annotations map[string]string
				}
			}
			require.NoError(t, json.Unmarshal([]byte(message), &told))
			for _, alert := range told.Alerts {
				if alert.Status == status && alert.Labels["alertname"] == "SeiCredentialNeedsReauth" {
					assert.Equal(t, "jira-prod", alert.Labels["integration"])
					assert.Equal(t, "critical", alert.Labels["severity"])
					assert.Contains(t, alert.Annotations["description"], "sei/reauth/jira-prod")
					return
				}
			}
		case <-deadline:
			require.FailNow(t, "nobody was told that the alert is "+status, "%q", tm.told())
		}
	}
}

// watching is a Prometheus that scrapes a server.
type watching struct{ address string }

// startPrometheus starts both programs in a folder of the server's, which is searched for
// secrets at the end.
func startPrometheus(t *testing.T, found programs, s *harness.Server, receiver string) *watching {
	t.Helper()
	policy, err := os.ReadFile(filepath.Join(policiesDir, "prometheus.hcl"))
	require.NoError(t, err)
	dir := filepath.Join(s.Dir, "prometheus")
	require.NoError(t, os.CopyFS(dir, os.DirFS(prometheusDir)))
	token := tokenWith(t, s, "sei-prometheus", string(policy))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "vault-token"), []byte(token+"\n"), 0o600))
	listens, manager := harness.FreeAddress(t), harness.FreeAddress(t)
	adapt(t, dir, "prometheus.yml",
		"scheme: https", "scheme: http", "vault.example.com:8200", strings.TrimPrefix(s.Addr, "http://"),
		"127.0.0.1:9093", manager, "interval: 30s", "interval: 1s")
	adapt(t, dir, "alerts.yml", "for: 1m\n", "for: 1s\n")
	adapt(t, dir, "alertmanager.yml", "http://127.0.0.1:9095/", receiver, "group_wait: 30s", "group_wait: 1s", "group_interval: 5m", "group_interval: 1s")
	run := func(program string, args ...string) {
		log, err := os.Create(filepath.Join(dir, filepath.Base(program)+".log"))
		require.NoError(t, err)
		defer func() { _ = log.Close() }()
		process, err := harness.StartProcess(log, s.Environ(), program, args...)
		require.NoError(t, err)
		t.Cleanup(func() { process.Stop(10 * time.Second) })
	}
	run(found.alertmanager, "--config.file="+filepath.Join(dir, "alertmanager.yml"), "--storage.path="+filepath.Join(dir, "alerts"),
		"--web.listen-address="+manager, "--cluster.listen-address=")
	run(found.prometheus, "--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(dir, "series"),
		"--web.listen-address="+listens)
	return &watching{"http://" + listens}
}

// adapt replaces texts in a file of the example, each of which must be there.
func adapt(t *testing.T, dir, file string, oldAndNew ...string) {
	t.Helper()
	path := filepath.Join(dir, file)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	for i := 0; i+1 < len(oldAndNew); i += 2 {
		require.Contains(t, string(text), oldAndNew[i], file)
	}
	require.NoError(t, os.WriteFile(path, []byte(strings.NewReplacer(oldAndNew...).Replace(string(text))), 0o600))
}

// query asks Prometheus, and returns how many series there are.
func (w *watching) query(ctx context.Context, expr string) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.address+"/api/v1/query?"+url.Values{"query": {expr}}.Encode(), http.NoBody)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct {
		Status, Error string
		Data          struct{ Result []json.RawMessage }
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return 0, err
	}
	if answer.Status != "success" {
		return 0, fmt.Errorf("%s: %s", expr, answer.Error)
	}
	return len(answer.Data.Result), nil
}

// await waits until an expression has a result.
func (w *watching) await(t *testing.T, expr string) {
	t.Helper()
	require.Eventually(t, func() bool {
		n, err := w.query(t.Context(), expr)
		return err == nil && n > 0
	}, alertLimit, 200*time.Millisecond, expr)
}

// assertDashboard runs the queries of the dashboard.
func (w *watching) assertDashboard(t *testing.T) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(prometheusDir, "dashboard.json"))
	require.NoError(t, err)
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	require.NoError(t, json.Unmarshal(data, &dashboard))
	require.NotEmpty(t, dashboard.Panels)
	filled := map[string]bool{}
	for _, panel := range dashboard.Panels {
		require.NotEmpty(t, panel.Targets, panel.Title)
		for _, target := range panel.Targets {
			n, err := w.query(t.Context(), strings.NewReplacer("$job", "sei", "$__rate_interval", "1m").Replace(target.Expr))
			require.NoError(t, err, panel.Title)
			filled[panel.Title] = filled[panel.Title] || n > 0
		}
	}
	for _, title := range []string{"Integrations", "Need a new credential", "Oldest check"} {
		assert.True(t, filled[title], title)
	}
}
