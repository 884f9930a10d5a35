"""The nine ways: templates, plans, and the places that carry them out."""
