// Package beam runs the tasks of a plan on Apache Beam: on Prism, in this process, or on the machines of a Flink cluster.
//
// One job is one run. Through the engine go the numbers of tasks alone; the plan, the artefacts and what workers have to tell go
// through the folder of a job in the cache, on a file system that all machines see. A task that fails is data for the engine, which
// has nothing to retry but machines.
package beam
