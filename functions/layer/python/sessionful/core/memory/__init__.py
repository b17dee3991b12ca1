"""What a model is shown of what was, and what outlives it: the window, the summary, recall."""
