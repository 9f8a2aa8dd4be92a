package providertest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// recorded is an answer in a file.
type recorded struct {
	Source string            `json:"source"`
	Status int               `json:"status"`
	Header map[string]string `json:"header,omitempty"`
	// Body is a text if it is a string, else JSON.
	Body json.RawMessage `json:"body,omitempty"`
}

// ReadAnswers returns the answers that a file of JSON holds, by name. A body that is a
// string is the answer's body to the byte. Every other body is JSON: its members keep the
// order of the file, its blanks are left out. ReadAnswers panics with the file's name if
// the file is missing or malformed, has a field that an answer has not, or leaves out the
// source or the status of one. The map is the caller's own.
func ReadAnswers(files fs.FS, name string) map[string]Answer {
	data, err := fs.ReadFile(files, name)
	if err != nil {
		panic("providertest: " + err.Error()) // it names the file
	}
	answers, err := decodeAnswers(data)
	if err != nil {
		panic("providertest: " + name + ": " + err.Error())
	}
	return answers
}

func decodeAnswers(data []byte) (map[string]Answer, error) {
	file, err := decodeRecorded(data)
	if err != nil {
		return nil, err
	}
	answers := make(map[string]Answer, len(file))
	for name, r := range file {
		body, err := r.body()
		if err != nil {
			return nil, fmt.Errorf("the body of %q: %w", name, err)
		}
		if r.Source == "" || r.Status == 0 {
			return nil, fmt.Errorf("%q has no source or no status", name)
		}
		answers[name] = Answer{Source: r.Source, Status: r.Status, Header: r.Header, Body: body}
	}
	return answers, nil
}

func decodeRecorded(data []byte) (map[string]recorded, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var file map[string]recorded
	if err := decoder.Decode(&file); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is something after the object")
	}
	return file, nil
}

func (r recorded) body() (string, error) {
	if bytes.HasPrefix(r.Body, []byte(`"`)) {
		var text string
		err := json.Unmarshal(r.Body, &text)
		return text, err
	}
	if len(r.Body) == 0 {
		return "", nil
	}
	var body bytes.Buffer
	err := json.Compact(&body, r.Body)
	return body.String(), err
}
