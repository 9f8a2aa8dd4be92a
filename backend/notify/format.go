package notify

import (
	"encoding/json"
	"strings"
	"time"
)

// body is the message in the form that the target takes.
func (m message) body(format string) ([]byte, error) {
	switch format {
	case formatSlack:
		return json.Marshal(m.slack())
	case formatTeams:
		return json.Marshal(m.teams())
	default:
		return json.Marshal(struct {
			Type      string `json:"type"`
			Timestamp string `json:"timestamp"`
			Data      data   `json:"data"`
		}{"sei." + string(m.Type), m.At.Format(time.RFC3339), m.Data})
	}
}

// inviteTitle is what a button says that leads to an invitation.
const inviteTitle = "Re-authenticate"

// Slack's block kit: https://docs.slack.dev/reference/block-kit/blocks/section-block
type (
	slackText struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	slackBlock struct {
		Type   string      `json:"type"`
		Text   *slackText  `json:"text,omitempty"`
		Fields []slackText `json:"fields,omitempty"`
		// Elements are buttons: https://docs.slack.dev/reference/block-kit/block-elements/button-element
		Elements []slackButton `json:"elements,omitempty"`
	}
	slackButton struct {
		Type string    `json:"type"`
		Text slackText `json:"text"`
		URL  string    `json:"url"`
	}
	slackMessage struct {
		Text   string       `json:"text"`
		Blocks []slackBlock `json:"blocks"`
	}
)

// slack says it in plain text, in which nothing is a link or calls anybody: some of it was
// chosen by an upstream. text is shown in lists of messages, where Slack reads its own
// marks, which these three signs begin and end.
func (m message) slack() slackMessage {
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	plain := func(text string) slackText { return slackText{Type: "plain_text", Text: text} }
	title := plain(m.sentence())
	table := slackBlock{Type: "section"}
	for _, f := range m.facts() {
		table.Fields = append(table.Fields, plain(f.name+"\n"+f.value))
	}
	blocks := []slackBlock{{Type: "section", Text: &title}}
	if len(table.Fields) > 0 {
		blocks = append(blocks, table)
	}
	if m.Data.URL != "" {
		blocks = append(blocks, slackBlock{Type: "actions", Elements: []slackButton{{"button", plain(inviteTitle), m.Data.URL}}})
	}
	return slackMessage{Text: escape.Replace(m.sentence()), Blocks: blocks}
}

// Adaptive cards in a message to a workflow:
// https://learn.microsoft.com/en-us/connectors/teams/#request-body-schema-1
type (
	teamsFact struct {
		Title string `json:"title"`
		Value string `json:"value"`
	}
	teamsBlock struct {
		Type   string      `json:"type"`
		Text   string      `json:"text,omitempty"`
		Weight string      `json:"weight,omitempty"`
		Wrap   bool        `json:"wrap,omitempty"`
		Facts  []teamsFact `json:"facts,omitempty"`
	}
	teamsCard struct {
		Type    string       `json:"type"`
		Version string       `json:"version"`
		Body    []teamsBlock `json:"body"`
		// Actions are buttons: https://adaptivecards.io/explorer/Action.OpenUrl.html
		Actions []teamsAction `json:"actions,omitempty"`
	}
	teamsAction struct {
		Type  string `json:"type"`
		Title string `json:"title"`
		URL   string `json:"url"`
	}
	teamsAttachment struct {
		ContentType string    `json:"contentType"`
		Content     teamsCard `json:"content"`
	}
	teamsMessage struct {
		Type        string            `json:"type"`
		Attachments []teamsAttachment `json:"attachments"`
	}
)

// teams says it in a card. Cards read some of Markdown, so that its signs are escaped.
func (m message) teams() teamsMessage {
	var pairs []string
	for _, sign := range strings.Split("\\`*_{}[]()#+-.!|<>~&", "") {
		pairs = append(pairs, sign, "\\"+sign)
	}
	escape := strings.NewReplacer(pairs...)
	card := teamsCard{Type: "AdaptiveCard", Version: "1.4", Body: []teamsBlock{
		{Type: "TextBlock", Text: escape.Replace(m.sentence()), Weight: "Bolder", Wrap: true},
	}}
	table := teamsBlock{Type: "FactSet"}
	for _, f := range m.facts() {
		table.Facts = append(table.Facts, teamsFact{f.name, escape.Replace(f.value)})
	}
	if len(table.Facts) > 0 {
		card.Body = append(card.Body, table)
	}
	if m.Data.URL != "" {
		card.Actions = []teamsAction{{"Action.OpenUrl", inviteTitle, m.Data.URL}}
	}
	return teamsMessage{Type: "message", Attachments: []teamsAttachment{{ContentType: "application/vnd.microsoft.card.adaptive", Content: card}}}
}
