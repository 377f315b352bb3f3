"""What SAM 2 and SAM 3 need of torchvision, without it: image processors on PIL, and roi_align."""

from .image_processing_sam_pil import Sam2ImageProcessorPil, Sam3ImageProcessorPil
from .roi_align import provide_roi_align, roi_align

__all__ = ["Sam2ImageProcessorPil", "Sam3ImageProcessorPil", "provide_roi_align", "roi_align"]
