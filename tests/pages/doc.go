// Package pages checks what the documents point at: a link leads to a file, and a test that a promise names exists.
package pages
