package metrics

import (
	"strconv"
	"strings"
)

// family is the series of one name, in the text format of Prometheus.
// https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
type family struct {
	name, help string
	samples    []byte
}

// add writes one series of a gauge with its labels.
func (f *family) add(labels []byte, value int64) {
	f.samples = append(append(f.samples, f.name...), labels...)
	f.samples = append(strconv.AppendInt(append(f.samples, ' '), value, 10), '\n')
}

// appendTo appends the family to a text; one without series is left out.
func (f *family) appendTo(text []byte) []byte {
	if len(f.samples) == 0 {
		return text
	}
	text = append(text, "# HELP "+f.name+" "+f.help+"\n# TYPE "+f.name+" gauge\n"...)
	return append(text, f.samples...)
}

// appendLabels appends the labels of a series, names and values in turn.
func appendLabels(text []byte, labels ...string) []byte {
	before := byte('{')
	for i := 0; i+1 < len(labels); i += 2 {
		text = append(append(text, before), labels[i]...)
		text = append(append(append(text, `="`...), escaped(labels[i+1])...), '"')
		before = ','
	}
	return append(text, '}')
}

// escaped is a label's value as it is written. The names of the engine have nothing to
// escape; that is for what a later version may take.
func escaped(value string) string {
	for i := range len(value) {
		if value[i] == '"' || value[i] == '\\' || value[i] == '\n' {
			return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(value)
		}
	}
	return value
}
