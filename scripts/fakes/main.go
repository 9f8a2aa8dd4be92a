// Command fakes serves fake upstreams on loopback for scripts/demo.sh and
// scripts/dev.sh. It prints the addresses as NAME_URL=..., what can be tried as
// comments, and at last a line "ready"; then it serves until it is ended.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"vault-plugin-secrets-sei/providers/providertest"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	failed := make(chan error)
	serve := func(name string, handler http.Handler) error {
		listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it listens as long as the program runs
		if err != nil {
			return err
		}
		server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
		go func() { failed <- server.Serve(listener) }()
		fmt.Printf("%s=http://%s\n", name, listener.Addr())
		return nil
	}
	if err := serve("JIRA_URL", jira()); err != nil {
		return err
	}
	if err := serve("GITHUB_URL", gitHub()); err != nil {
		return err
	}
	fmt.Println("ready")
	return <-failed
}

// jira knows one account and its tokens.
func jira() http.Handler {
	fake := providertest.NewJira(providertest.JiraOptions{})
	fmt.Println("# Jira: email=ada@example.com with api_key= one of")
	for _, token := range []string{"ATATT-demo-first", "ATATT-demo-second", "ATATT-demo-third"} {
		fake.AddAPIToken("ada@example.com", token)
		fmt.Println("#   " + token)
	}
	return fake
}

// gitHub knows two accounts in one organisation.
func gitHub() http.Handler {
	fake := providertest.NewGitHub()
	fake.AddOrganization(providertest.GitHubOrganization{Login: "acme"})
	fmt.Println("# GitHub, organizations=acme: pat= one of, or both separated by a comma")
	for token, login := range map[string]string{"ghp_demo_first": "octocat", "ghp_demo_second": "hubot"} {
		fake.AddClassic(login, token, "repo", "read:org")
		fmt.Printf("#   %s (%s)\n", token, login)
	}
	return fake
}
