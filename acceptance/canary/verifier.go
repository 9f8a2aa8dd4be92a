package canary

import (
	"crypto/sha256"
	"encoding/base64"
	"regexp"
)

// verifierLen is the length of a PKCE verifier of 256 bits in base64, without padding.
const verifierLen = 43

// Verifiers finds PKCE verifiers that nobody has seen, by their challenges (S256).
func Verifiers(challenges []string, text []byte, found func(Find)) {
	wanted := map[string]bool{}
	for _, c := range challenges {
		wanted[c] = true
	}
	if len(wanted) == 0 {
		return
	}
	digits := regexp.MustCompile(`^[0-9a-f]*$`) // of Vault's HMACs, which are most of an audit file
	for _, word := range words(text) {
		if digits.Match(text[word[0]:word[1]]) {
			continue
		}
		for at := word[0]; at+verifierLen <= word[1]; at++ {
			sum := sha256.Sum256(text[at : at+verifierLen])
			if wanted[base64.RawURLEncoding.EncodeToString(sum[:])] {
				found(Find{Kind: "code_verifier", Form: "plain", At: at, End: at + verifierLen})
			}
		}
	}
}

// words returns where the runs of base64's letters are that are long enough.
func words(text []byte) (places [][2]int) {
	begin := 0
	for at := 0; at <= len(text); at++ {
		if at < len(text) && inVerifier(text[at]) {
			continue
		}
		if at-begin >= verifierLen {
			places = append(places, [2]int{begin, at})
		}
		begin = at + 1
	}
	return places
}

func inVerifier(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '-' || b == '_'
}
