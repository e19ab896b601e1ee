"""The version of the package; read without importing torch."""
VERSION = "0.1.0"
