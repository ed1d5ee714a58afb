package pca

import (
	"bytes"
	"encoding/gob"
	"fmt"
)

// checkpoint is a solver's whole state as gob writes it. The layout has a version, so that a file of another one is told.
type checkpoint struct {
	Version   int
	Options   Options
	Dim       int
	Count     int
	Fresh     int
	Vectors   []float64
	Images    []float64
	Projected [][]float64
	Totals    []total
	Sums      []Partial
	Passes    int
	Status    Status
	Ritz      ritz
}

const checkpointVersion = 1

// MarshalBinary writes the solver's state, including what [Solver.Add] took in on the pass under way. A solver read back
// goes on bit by bit as this one would. The size is about 16 d bytes per basis vector.
func (s *Solver) MarshalBinary() ([]byte, error) {
	b := s.basis
	var buffer bytes.Buffer
	err := gob.NewEncoder(&buffer).Encode(checkpoint{
		checkpointVersion, s.options, b.dim, b.count, b.fresh, b.vectors, b.images, b.projected,
		s.total, s.sums, s.passes, s.status, s.ritz,
	})
	if err != nil {
		return nil, fmt.Errorf("write principal components: %w", err)
	}
	return buffer.Bytes(), nil
}

// UnmarshalBinary reads what [Solver.MarshalBinary] wrote, into a zero Solver or over another one. It returns an error
// where the data are no whole state of this version; the solver is then as it was.
func (s *Solver) UnmarshalBinary(data []byte) error {
	var c checkpoint
	if err := gob.NewDecoder(bytes.NewReader(data)).Decode(&c); err != nil {
		return fmt.Errorf("read principal components: %w", err)
	}
	if err := c.check(); err != nil {
		return fmt.Errorf("read principal components: %w", err)
	}
	// gob leaves out what is zero: an empty partial, or a matrix of no rows.
	for len(c.Projected) < len(c.Options.Weights) {
		c.Projected = append(c.Projected, nil)
	}
	s.options, s.total, s.sums, s.passes, s.status, s.ritz = c.Options, c.Totals, c.Sums, c.Passes, c.Status, c.Ritz
	s.basis = &basis{c.Dim, c.Count, c.Fresh, c.Vectors, c.Images, c.Projected}
	return nil
}

// check finds the sizes that do not fit together, which would otherwise be found by an index out of range.
func (c *checkpoint) check() error {
	if c.Version != checkpointVersion {
		return fmt.Errorf("the state has version %d, not %d", c.Version, checkpointVersion)
	}
	o, err := c.Options.resolve(c.Dim)
	if err != nil {
		return err
	}
	terms := len(o.Weights)
	fits := c.Count >= 0 && c.Fresh >= 0 && c.Count+c.Fresh <= c.Dim && c.Fresh <= o.Width &&
		len(c.Vectors) == (c.Count+c.Fresh)*c.Dim && len(c.Images) == c.Count*c.Dim &&
		len(c.Sums) == terms && len(c.Projected) == terms
	for _, p := range c.Projected {
		fits = fits && len(p) == c.Count*c.Count
	}
	for _, p := range c.Sums {
		fits = fits && (len(p.Product) == 0 || len(p.Product) == o.Width*c.Dim)
	}
	if c.Passes > 0 {
		fits = fits && len(c.Totals) == terms && len(c.Ritz.Values) == c.Count && len(c.Ritz.Coefficients) == c.Count*c.Count &&
			len(c.Ritz.Residuals) >= min(2, c.Dim) && len(c.Ritz.Residuals) <= c.Count
	}
	if !fits {
		return fmt.Errorf("the state's parts do not fit together")
	}
	c.Options = o
	return nil
}
