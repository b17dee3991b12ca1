"""Values and rules of the house. Imports the standard library and pydantic only."""
