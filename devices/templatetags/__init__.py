"""Words of the templates about points."""
