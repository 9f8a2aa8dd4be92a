package metrics

import (
	"bytes"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"

	"vault-plugin-secrets-sei/backend/health"
)

// ContentType is that of [Mount.Text].
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// ok is the code of what succeeded. Others are the codes of refusals.
const ok = "ok"

// counters is about how many bytes what was counted takes.
const counters = 16 << 10

// failed is the code of what was neither done nor refused, such as when storage failed.
const failed = "error"

// Mount counts what one mount does, and shows it together with what is known. It is safe
// for concurrent use. Its labels hold names, providers, codes and statuses only: no account,
// no fingerprint, no address.
type Mount struct {
	registry *prometheus.Registry
	reauths  *prometheus.CounterVec
	checks   *prometheus.CounterVec
	requests *prometheus.HistogramVec
	notified *prometheus.CounterVec
}

// New returns the metrics of a mount that has done nothing yet.
func New(version string) *Mount {
	help := Series()
	m := &Mount{
		registry: prometheus.NewRegistry(),
		reauths: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: reauthsName, Help: help[reauthsName],
		}, []string{"provider", "code"}),
		checks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: checksName, Help: help[checksName],
		}, []string{"provider", "code"}),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: requestsName, Help: help[requestsName],
			Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"provider"}),
		notified: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: notifiedName, Help: help[notifiedName],
		}, []string{"target", "result"}),
	}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: buildName, Help: help[buildName]}, []string{"version"})
	build.WithLabelValues(version).Set(1)
	// A further counter is a field of Mount, a name in series.go and a place in this list.
	m.registry.MustRegister(m.reauths, m.checks, m.requests, m.notified, build)
	return m
}

// Reauth counts a re-authentication of a provider, which is "" where it is not known. The
// code is that of its refusal, "" for a success.
func (m *Mount) Reauth(provider, code string) {
	m.reauths.WithLabelValues(provider, codeOf(code)).Inc()
}

// ReauthFailed counts one that was neither done nor refused.
func (m *Mount) ReauthFailed(provider string) { m.reauths.WithLabelValues(provider, failed).Inc() }

// Check counts a health check of a credential, or of one token of a pool. The code is what
// was found, "" for a credential that works.
func (m *Mount) Check(provider, code string) { m.checks.WithLabelValues(provider, codeOf(code)).Inc() }

// Request notes how long a request to an upstream took.
func (m *Mount) Request(provider string, took time.Duration) {
	m.requests.WithLabelValues(provider).Observe(took.Seconds())
}

// Notification counts a message that was sent to a target.
func (m *Mount) Notification(target string, delivered bool) {
	result := "failed"
	if delivered {
		result = "delivered"
	}
	m.notified.WithLabelValues(target, result).Inc()
}

// ForgetTarget drops what was counted of a target that is gone.
func (m *Mount) ForgetTarget(target string) {
	m.notified.DeletePartialMatch(prometheus.Labels{"target": target})
}

func codeOf(code string) string {
	if code == "" {
		return ok
	}
	return code
}

// Text is all of it in the text format of Prometheus: how many integrations there are, and,
// with each, the series of every single one; then what was counted.
func (m *Mount) Text(all []*health.Assessment, now time.Time, each bool) ([]byte, error) {
	k := newKnown(len(all), now, each)
	for _, assessed := range all {
		k.add(assessed)
	}
	text := bytes.NewBuffer(k.text())
	families, err := m.registry.Gather()
	if err != nil {
		return nil, err
	}
	for _, family := range families {
		if _, err := expfmt.MetricFamilyToText(text, family); err != nil {
			return nil, err
		}
	}
	return text.Bytes(), nil
}
