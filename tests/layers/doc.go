// Package layers holds the import table of the project as a test: which room may import which, and why.
//
// A room is a top-level folder. Data flows one way through them, and two rooms that do not know each other meet in the module
// root through small interfaces that the consumer owns. An import that the table does not name fails the test, whoever adds it;
// to allow one, change the table and docs/ARCHITECTURE.md in the same commit and say why.
//
// Test files are exempt: they may reach for any room to build what they need.
package layers
