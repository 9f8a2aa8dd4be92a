package catalogtest

import (
	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/providertest"
)

// Question is a request of a check that carries the credential. Whatever stands
// between the engine and the upstream can refuse it, which says nothing of the
// credential.
type Question struct {
	// Path is the end of its path.
	Path string
	// Of is a case that comes as far as this question, and is verified.
	Of Case
	// Fake finds the fake that is asked.
	Fake func(w *World) providertest.Fake
	// Harmless is set where no answer to it fails the check.
	Harmless bool
	// Own are the answers of Between that the upstream itself gives to this question,
	// by name, and what they mean then.
	Own map[string]providers.Outcome
}

func (c Case) asks(fake func(w *World) providertest.Fake, paths ...string) []Question {
	var questions []Question
	for _, path := range paths {
		questions = append(questions, Question{Path: path, Of: c, Fake: fake})
	}
	return questions
}

// Wants is what a check comes to that gets an answer of Between to this question.
func (q Question) Wants(name string) providers.Outcome {
	if own, ok := q.Own[name]; ok {
		return own
	}
	if q.Harmless {
		return ""
	}
	return providers.UpstreamError
}

// owning is q where the upstream itself answers like that.
func (q Question) owning(name string, want providers.Outcome) Question {
	q.Own = map[string]providers.Outcome{name: want}
	return q
}
