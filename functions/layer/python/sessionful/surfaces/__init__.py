"""The protocols sessionful speaks. Each surface is given a service; none knows a store or a model."""
