package harness

import "strings"

// words are what a server says in other words than Vault 1.21, of which the pages quote what
// it says.
func words() map[string][]string { // by product, each text of Vault before the other's
	return map[string][]string{
		openBaoName: {
			"Deregistered secret plugin: ", "Deregistered plugin (if it was registered): ",
			"Could not decode SHA256 value", "Could not decode SHA-256 value",
		},
	}
}

// Says turns a text that quotes Vault into what this server says instead.
func (p Product) Says(text string) string {
	return strings.NewReplacer(words()[p.Name]...).Replace(text)
}
