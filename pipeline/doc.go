// Package pipeline plans and runs stages over files.
//
// A [Plan] holds tasks. A [Task] is a plain value: the name of a stage, a spec
// as JSON, the keys of the artefacts that it reads and the hashes of its input
// files. Its [Key] is the hash of all these and of what else changes bits. An
// [Executor] sees to it that there is an artefact in the cache for every task;
// which ones are there already is all there is to resuming. A [Run] is the
// directory in which the results and the manifest end up.
//
// The package knows no stage itself.
package pipeline
