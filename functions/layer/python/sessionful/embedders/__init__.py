"""Embedders: one adapter a vendor, each imported where it is chosen. They share the models' connections to vendors.

Each has a `related`: the cosine from which a text may have to do with a question. It is the embedder's, not the texts':
of the same question and fact one says 0.3 and another 0.8.
"""
