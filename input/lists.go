package input

import (
	"errors"
	"fmt"
	"strings"
)

// limit bounds the elements of a field.
type limit struct {
	most int
	what string
}

// of refuses n elements if they are too many.
func (l limit) of(n int) error {
	if n > l.most {
		return tooMany(l)
	}
	return nil
}

// tooMany is the error of a limit.
type tooMany limit

// Error names the limit.
func (e tooMany) Error() string { return fmt.Sprintf("must not have more than %d %s", e.most, e.what) }

// trimElement removes the white space around an element of a list, and the comma at its
// end: what is pasted is often one line of a list.
func trimElement(text string) string {
	return strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text), ","))
}

// asList demands strings: a JSON array, or one string with commas or lines between
// them. A list above the limit is refused before it is copied, because a comma takes one
// byte of a request, and an element sixteen of memory.
func asList(raw any, l limit) ([]string, error) {
	switch value := raw.(type) {
	case nil:
		return nil, errNull
	case string:
		return splitList(value, l)
	case []string:
		return asElements(value, l)
	case []any:
		return asStrings(value, l)
	default:
		return nil, errors.New("must be a string or a list of strings")
	}
}

func asElements(values []string, l limit) ([]string, error) {
	if err := l.of(len(values)); err != nil {
		return nil, err
	}
	list := make([]string, 0, len(values))
	for _, text := range values {
		list = append(list, trimElement(text))
	}
	return list, nil
}

func asStrings(values []any, l limit) ([]string, error) {
	if err := l.of(len(values)); err != nil {
		return nil, err
	}
	list := make([]string, 0, len(values))
	for _, element := range values {
		text, ok := element.(string)
		if !ok {
			return nil, errors.New("must have strings as elements")
		}
		list = append(list, trimElement(text))
	}
	return list, nil
}

// splitList reads a list from one string, as a file holds it. Commas and line breaks
// separate elements; blank lines and a comma at the end of a line are ignored.
func splitList(text string, l limit) ([]string, error) {
	list := []string{}
	for line := range strings.FieldsFuncSeq(text, isLineBreak) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		line = strings.TrimSuffix(line, ",")
		if err := l.of(len(list) + strings.Count(line, ",") + 1); err != nil {
			return nil, err
		}
		list = append(list, strings.Split(line, ",")...)
	}
	return list, nil
}

func isLineBreak(r rune) bool { return r == '\n' || r == '\r' }

// atPosition says which of several elements is wrong.
func atPosition(err error, what string, position, elements int) error {
	if elements == 1 {
		return err
	}
	return fmt.Errorf("has %s, number %d of %d, that %w", what, position, elements, err)
}
