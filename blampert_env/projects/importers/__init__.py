"""Importers: data sets and repositories as projects, one format a file."""
