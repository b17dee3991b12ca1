"""Language models: one adapter a vendor, each imported where it is chosen; vendor SDKs and HTTP on first use only."""
