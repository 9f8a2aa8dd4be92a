// Package metrics tells Prometheus what is known of a mount. It knows values of package
// backend and nothing of Vault, and asks nobody. Begin with [Mount].
//
// What is counted since the plugin's start is kept by Prometheus' own library. What is so
// now is written from the health of the integrations at each scrape, without it: of
// thousands of integrations there are several series each, and to keep, sort and check them
// there would cost more than all else that a scrape does.
package metrics
