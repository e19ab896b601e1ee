"""Brings PyTorch models to trainhost: export() writes a bundle that a run trains without Python, load() brings the trained weights back.

docs/bring-your-own-model.md shows how; docs/bundle.md specifies the file."""
from .bundle import check, info
from .errors import ExportError
from .exporter import export
from .losses import BinaryCrossEntropy, CrossEntropy, Loss, MeanSquaredError
from .version import VERSION as __version__
from .weights import Loaded, load

__all__ = ["BinaryCrossEntropy", "CrossEntropy", "ExportError", "Loaded", "Loss", "MeanSquaredError", "__version__", "check", "export", "info", "load"]
