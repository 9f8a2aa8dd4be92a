package page_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"vault-plugin-secrets-sei/console/engine"
	"vault-plugin-secrets-sei/console/fleet"
	"vault-plugin-secrets-sei/console/page"
)

// A week with more ends has a higher bar, within the picture; the sentence says the same.
func TestThePictureOfTheWeeks(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	in := func(days int) engine.Expiry {
		return engine.Expiry{Name: "x", ExpiresAt: engine.Time{Time: now.AddDate(0, 0, days)}}
	}
	p := page.PictureOf(fleet.WeeksOf([]engine.Expiry{in(1), in(30), in(30), in(31), in(500)}, now))
	assert.Len(t, p.Bars, 2)
	first, second := p.Bars[0], p.Bars[1]
	assert.True(t, first.Soon)
	assert.False(t, second.Soon)
	assert.Equal(t, 3*first.Height, second.Height)
	for _, bar := range p.Bars {
		assert.GreaterOrEqual(t, bar.LabelY, 12, "the number above it is in the picture")
		assert.Equal(t, p.Base, bar.Y+bar.Height)
		assert.LessOrEqual(t, bar.X+bar.Width, p.Width)
	}
	assert.Equal(t, "3 credentials end in the week from 28 December", second.Text)
	assert.Equal(t, "4 credentials end in the next 26 weeks, 1 later", p.Text)
	assert.Equal(t, "No credential ends in the next 26 weeks", page.PictureOf(fleet.WeeksOf(nil, now)).Text)
}
