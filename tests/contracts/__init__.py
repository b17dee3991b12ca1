"""A store of sessions is right when it passes this suite: one folder of statements, every implementation."""
