package engine

import (
	"context"
	"time"
)

// Time is a moment as the engine writes it; the zero time stands for none.
type Time struct{ time.Time }

// UnmarshalJSON reads RFC 3339, or "" for none.
func (t *Time) UnmarshalJSON(data []byte) error {
	if string(data) == `""` || string(data) == "null" {
		t.Time = time.Time{}
		return nil
	}
	return t.Time.UnmarshalJSON(data)
}

// Summary is what a list of health says of one integration.
type Summary struct {
	Status    string            `json:"status"`
	Reason    string            `json:"reason"`
	CheckedAt Time              `json:"checked_at"`
	ExpiresAt Time              `json:"expires_at"`
	Provider  string            `json:"provider"`
	Labels    map[string]string `json:"labels"`
}

// Summaries lists the health of all integrations, by name.
func (m Mount) Summaries(ctx context.Context) (map[string]Summary, []string, error) {
	var list struct {
		Info map[string]Summary `json:"key_info"`
	}
	warnings, err := m.vault.List(ctx, m.path+"health", &list)
	return list.Info, warnings, err
}

// Integrations lists the names of all integrations.
func (m Mount) Integrations(ctx context.Context) ([]string, error) {
	return m.keys(ctx, "integrations")
}

func (m Mount) keys(ctx context.Context, path string) ([]string, error) {
	var list struct {
		Keys []string `json:"keys"`
	}
	_, err := m.vault.List(ctx, m.path+path, &list)
	return list.Keys, err
}

// Status is the fleet at a glance.
type Status struct {
	Total      int                       `json:"total"`
	ByStatus   map[string]int            `json:"by_status"`
	ByProvider map[string]map[string]int `json:"by_provider"`
	Expires    []Expiry                  `json:"expires_next"`
	Needs      []Need                    `json:"needs_person"`
}

// Expiry is the end of one token.
type Expiry struct {
	Name      string `json:"name"`
	Provider  string `json:"provider"`
	Identity  string `json:"identity"`
	ExpiresAt Time   `json:"expires_at"`
	DaysLeft  int    `json:"days_left"`
}

// Need is an integration that needs a person.
type Need struct {
	Name     string `json:"name"`
	Provider string `json:"provider"`
	Status   string `json:"status"`
	Code     string `json:"code"`
	Message  string `json:"message"`
	Since    Time   `json:"since"`
}

// Status reads the fleet at a glance.
func (m Mount) Status(ctx context.Context) (Status, []string, error) {
	var s Status
	warnings, err := m.vault.Read(ctx, m.path+"status", &s)
	return s, warnings, err
}

// Target is one who is told what happens to credentials.
type Target struct {
	Host            string `json:"host"`
	Format          string `json:"format"`
	LastDeliveredAt Time   `json:"last_delivered_at"`
	LastFailure     string `json:"last_failure"`
	LastFailureAt   Time   `json:"last_failure_at"`
	Pending         int    `json:"pending"`
}

// Targets lists the targets of notifications, by name.
func (m Mount) Targets(ctx context.Context) (map[string]Target, error) {
	var list struct {
		Info map[string]Target `json:"key_info"`
	}
	_, err := m.vault.List(ctx, m.path+"notify", &list)
	return list.Info, err
}
