package probe

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestEnd(t *testing.T) {
	assert.True(t, EndOfMillis(0).IsZero())
	assert.True(t, EndOfMillis(-1).IsZero())
	assert.True(t, EndOfMillis(1<<62).IsZero())
	assert.Equal(t, "2021-01-05T11:00:00Z", EndOfMillis(1609844400000).Format(time.RFC3339))
	assert.True(t, End(time.Date(9999, 12, 31, 23, 0, 0, 0, time.FixedZone("", -3600))).IsZero(), "a year that JSON cannot hold")
}
