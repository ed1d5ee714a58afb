package stats

// Quantile is what the bootstrap's intervals are made with.
var Quantile = quantile
