package sonarqube

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseSonarQubeTime(t *testing.T) {
	cases := []struct{ name, header, want string }{
		{"a positive offset", "2015-08-02T15:44:27+0200", "2015-08-02T13:44:27Z"},
		{"a negative offset", "2026-01-01T00:00:00-0500", "2026-01-01T05:00:00Z"},
		{"UTC", "2026-01-01T00:00:00+0000", "2026-01-01T00:00:00Z"},
		{"white space around", " 2026-01-01T00:00:00+0000 ", "2026-01-01T00:00:00Z"},
		{"an offset with a colon", "2026-01-01T00:00:00+02:00", ""},
		{"letters", "2026-01-01T00:00:00 CEST", ""},
		{"RFC 3339", "2026-01-01T00:00:00Z", ""},
		{"an offset beyond all places", "2026-01-01T00:00:00+2000", ""},
		{"a date", "2026-01-01", ""},
		{"a year that JSON cannot hold", "9999-12-31T23:59:59-0500", ""},
		{"nothing", "", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := parseSonarQubeTime(c.header)
			if c.want == "" {
				assert.True(t, got.IsZero())
				return
			}
			assert.Equal(t, c.want, got.Format(time.RFC3339))
		})
	}
}

func FuzzSonarQubeTime(f *testing.F) {
	seeds := []string{"2015-08-02T15:44:27+0200", "9999-12-31T23:59:59-1200", "0001-01-01T00:00:00+1200", "2026-01-01T00:00:00Z", ""}
	require.NotEmpty(f, seeds)
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		got := parseSonarQubeTime(header)
		assert.Equal(t, time.UTC, got.Location())
		_, err := got.MarshalJSON()
		require.NoError(t, err)
		if !got.IsZero() {
			const layout = "2006-01-02T15:04:05-0700"
			assert.True(t, got.Truncate(time.Second).Equal(parseSonarQubeTime(got.Format(layout))), "it reads back")
		}
	})
}

func TestParseSonarQubeVersion(t *testing.T) {
	for text, want := range map[string]int{
		"9.9.4.87374": 9, "10.0": 10, "10.8.1.101195": 10, "2025.1.0.102418": 2025, "25.1.0\n": 25, " 7.9.6 ": 7,
		"8": -1, "v10.1": -1, "10.x": -1, "99999.1": -1, "<html>10.1</html>": -1, "": -1, "10.": -1, "10.1-SNAPSHOT": -1,
	} {
		major, ok := parseSonarQubeVersion(text)
		assert.Equal(t, want >= 0, ok, text)
		if ok {
			assert.Equal(t, want, major, text)
		}
	}
}

func FuzzSonarQubeVersion(f *testing.F) {
	seeds := []string{"9.9.4.87374", "2025.1.0.102418", "10", "<html>", "", "-1.0", "٩.٩"}
	require.NotEmpty(f, seeds)
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		major, ok := parseSonarQubeVersion(text)
		assert.GreaterOrEqual(t, major, 0)
		assert.Less(t, major, 10000)
		if ok {
			assert.Empty(t, strings.Trim(text, "0123456789. \t\n\v\f\r"))
		}
	})
}
