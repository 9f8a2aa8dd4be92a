package look

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Texts can be read in both colour schemes, as WCAG 2.2 counts contrast: 4.5 for texts, 3
// for the edges of fields.
func TestColoursCanBeToldApart(t *testing.T) {
	schemes := regexp.MustCompile(`(?s):root \{(.*?)\}`).FindAllStringSubmatch(CSS(), -1)
	require.Len(t, schemes, 2, "light and dark")
	for i, scheme := range schemes {
		colours := map[string]float64{}
		for _, c := range regexp.MustCompile(`--([a-z-]+): #([0-9a-f]+)`).FindAllStringSubmatch(scheme[1], -1) {
			colours[c[1]] = luminance(t, c[2])
		}
		for _, pair := range []struct {
			front, back string
			least       float64
		}{
			{"text", "card", 4.5},
			{"soft", "card", 4.5},
			{"act", "card", 4.5},
			{"bad", "card", 4.5},
			{"on-act", "act", 4.5},
			{"text", "fact", 4.5},
			{"soft", "fact", 4.5},
			{"text", "bad-back", 4.5},
			{"soft", "bad-back", 4.5},
			{"act", "bad-back", 4.5},
			{"line", "card", 3},
			{"bad", "bad-back", 3},
			{"act", "back", 3},
		} {
			require.Contains(t, colours, pair.front)
			require.Contains(t, colours, pair.back)
			assert.GreaterOrEqual(t, contrast(colours[pair.front], colours[pair.back]), pair.least, "scheme %d: %s on %s", i, pair.front, pair.back)
		}
	}
}

// contrast is that of two relative luminances.
func contrast(a, b float64) float64 { return (max(a, b) + 0.05) / (min(a, b) + 0.05) }

// luminance is the relative luminance of a colour in hexadecimal digits.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	if len(hex) == 3 {
		hex = fmt.Sprintf("%c%c%c%c%c%c", hex[0], hex[0], hex[1], hex[1], hex[2], hex[2])
	}
	require.Len(t, hex, 6)
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		value, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		require.NoError(t, err)
		c := float64(value) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}
