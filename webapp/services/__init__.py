"""Use cases: one function each, the actor first. They flush; the edge that called them commits."""
