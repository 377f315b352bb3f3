"""What transformers' SAMs lack here: image processors on PIL, roi_align, reading the original checkpoints."""

from .image_processing_sam_pil import Sam2ImageProcessorPil, Sam3ImageProcessorPil
from .roi_align import provide_roi_align, roi_align

__all__ = ["Sam2ImageProcessorPil", "Sam3ImageProcessorPil", "provide_roi_align", "roi_align"]
