// Package fleet makes of the health of many integrations what fits on one page: rows that are
// searched, filtered and divided into pages, counts, and the weeks in which credentials end.
// It is made of values of package engine, asks nobody and knows no clock. Begin with [Of].
package fleet
